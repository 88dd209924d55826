// Schedule
