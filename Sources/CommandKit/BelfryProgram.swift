import ArgumentParser
import Glibc

/// The program `belfry`, from its arguments to its exit code.
public enum BelfryProgram {
  /// Runs the command that the process was started with, and ends the process.
  public static func main() async -> Never {
    // A reader that went away (`belfry history | head`) shows as EPIPE where output is written; a killed process could
    // not finish what it is doing.
    signal(SIGPIPE, SIG_IGN)
    occupyStandardStreams()
    exit(await run(Array(CommandLine.arguments.dropFirst())).rawValue)
  }

  /// A stream that the caller closed must not become the number of the next file that is opened: output would end up
  /// in it. What takes its place can be read only, so that writing fails.
  private static func occupyStandardStreams() {
    for stream in STDIN_FILENO...STDERR_FILENO where fcntl(stream, F_GETFD) == -1 {
      _ = open("/dev/null", O_RDONLY)
    }
  }

  /// Runs one command in ``Surroundings/current`` and says how it ended.
  public static func run(_ arguments: [String]) async -> ExitStatus {
    do {
      var command = try await BelfryCommand.asyncParseAsRoot(arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      return .fine
    } catch {
      let ending = Ending(error)
      let surroundings = Surroundings.current
      do {
        if !ending.output.isEmpty { try surroundings.print(ending.output) }
      } catch {
        let failure = Ending(error)
        surroundings.complain(failure.complaint)
        return failure.status
      }
      surroundings.complain(ending.complaint)
      return ending.status
    }
  }
}
