import ArgumentParser
import Glibc

/// The program `belfry`, from its arguments to its exit code.
public enum BelfryProgram {
  /// Runs the command that the process was started with, and ends the process.
  public static func main() async -> Never {
    // A reader that went away (`belfry history | head`) shows as EPIPE where output is written; a killed process could
    // not finish what it is doing.
    signal(SIGPIPE, SIG_IGN)
    exit(await run(Array(CommandLine.arguments.dropFirst())).rawValue)
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
        return .unreachable
      }
      surroundings.complain(ending.complaint)
      return ending.status
    }
  }
}
