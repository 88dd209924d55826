// ControllerKitTests: the controller's parts one by one, on temporary repositories and without a network.
