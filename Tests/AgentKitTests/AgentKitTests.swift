// AgentKitTests: the engine and what stands around it, with a fake runner and a clock that only tests move.
