// Assignment and dispatch are orders, not claims about things, so their payload is their own JSON without a statement.

public import Model

extension Assignment: SignedContent {
  public static var payloadType: String { "application/vnd.belfry.assignment.v1+json" }
  public static var kindName: String { "assignment" }
  public static var payloadLimit: Int { 8 << 20 }
  public var payloadJSON: JSONValue { json }
  public init(payloadJSON: JSONValue) throws(JSONError) { try self.init(json: payloadJSON) }
}

extension Dispatch: SignedContent {
  public static var payloadType: String { "application/vnd.belfry.dispatch.v1+json" }
  public static var kindName: String { "dispatch" }
  public static var payloadLimit: Int { 256 << 10 }
  public var payloadJSON: JSONValue { json }
  public init(payloadJSON: JSONValue) throws(JSONError) { try self.init(json: payloadJSON) }
}
