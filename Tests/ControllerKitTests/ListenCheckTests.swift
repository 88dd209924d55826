import Glibc
import Testing

@testable import ControllerKit

/// What keeps a controller from listening is found out before it claims anything.
@Suite struct ListenCheckTests {
  @Test(arguments: ["127.0.0.1", "localhost"]) func aPortThatIsTakenIsTold(_ host: String) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    try withUnsafeMutablePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        try #require(bind(listener, pointer, size) == 0 && listen(listener, 1) == 0)
        try #require(getsockname(listener, pointer, &size) == 0)
      }
    }
    let taken = ListenAddress(host: host, port: Int(UInt16(bigEndian: address.sin_port)))
    let obstacle = #expect(throws: ControllerObstacle.self) { try taken.check("api.listen") }
    #expect(obstacle?.message.hasPrefix("api.listen: cannot listen on \(taken.text): ") == true)
    #expect(obstacle?.hint.contains("another program listens there") == true)
    close(listener)
    try taken.check("api.listen")
    try ListenAddress(host: host, port: 0).check("api.listen")
  }

  @Test func anAddressOfNobodyIsTold() {
    let foreign = ListenAddress(host: "192.0.2.1", port: 7420)
    #expect(throws: ControllerObstacle.self) { try foreign.check("agents.listen") }
  }
}
