import Foundation
import Git
import Model
import TestSupport
import Testing

@Suite struct UnreachableTests {
  @Test(arguments: ["git", "http", "https", "ssh"]) func aServerThatNeverAnswers(_ scheme: String) throws {
    let (socket, port) = try Server.listen()
    defer { close(socket) }
    let remote = Remote(
      url: "\(scheme)://user@127.0.0.1:\(port)/r.git", timeouts: Timeouts(idle: .milliseconds(200), total: .seconds(20))
    )
    let started = ContinuousClock.now
    let error = gitError { _ = try Repository.remoteTip(of: "main", at: remote) }
    #expect(error?.kind == .unreachable && error?.message.contains("silent") == true, "\(String(describing: error))")
    #expect(ContinuousClock.now - started < .seconds(5))
  }

  @Test func theWholeTakesTooLong() throws {
    let (socket, port) = try Server.listen()
    defer { close(socket) }
    let remote = Remote(
      url: "git://127.0.0.1:\(port)/r.git", timeouts: Timeouts(idle: .seconds(20), total: .milliseconds(200)))
    let error = gitError { _ = try Repository.remoteTip(of: "main", at: remote) }
    #expect(error?.kind == .unreachable && error?.message.contains("longer") == true)
  }

  @Test(arguments: ["git", "http", "https", "ssh"]) func nobodyListens(_ scheme: String) throws {
    let port = try Server.freePort()
    let error = gitError {
      _ = try Repository.remoteTip(of: "main", at: Remote(url: "\(scheme)://127.0.0.1:\(port)/r.git"))
    }
    #expect(error?.kind == .unreachable && error?.message.contains("refused") == true, "\(String(describing: error))")
  }

  @Test func aHostThatDoesNotExist() throws {
    let error = gitError {
      _ = try Repository.remoteTip(of: "main", at: Remote(url: "https://user:secret@host.invalid/r.git"))
    }
    #expect(error?.kind == .unreachable && error?.message.contains("host.invalid") == true)
    #expect(error?.description.contains("secret") == false)
  }

  @Test(arguments: ["", "ftp://host/r", "ext::sh -c id", "file://host/r", "https://", "http:///r", "a\nb"])
  func urlsThatAreRefused(_ url: String) throws {
    #expect(gitError { _ = try Repository.remoteTip(of: "main", at: Remote(url: url)) }?.kind == .unsupported)
  }

  @Test func aFolderThatIsNoRepository() throws {
    let folder = try TemporaryFolder()
    for path in [folder.path, folder.path("none")] {
      #expect(gitError { _ = try Repository.open(at: path) }?.kind == .notFound)
      let error = gitError { _ = try Repository.remoteTip(of: "main", at: Remote(url: path)) }
      #expect(error?.kind == .notFound && error?.hint != nil)
    }
  }
}
