import Foundation
import HTTPExecutor
import Model

// Runs `run.http` of a job. The agent's shim starts it; it reads the run from standard input and answers to the file that
// BELFRY_ANSWER names. Exit code 0: it has answered; 1: it could not.

let environment = ProcessInfo.processInfo.environment
let input = [UInt8](FileHandle.standardInput.readDataToEndOfFile())
let executor = HTTPExecutor(
  secrets: environment["BELFRY_SECRETS"], bundle: environment["BELFRY_BUNDLE"],
  allowsLinkLocal: environment["BELFRY_HTTP_LINK_LOCAL"] == "allowed"
) { line in
  FileHandle.standardOutput.write(Data((line + "\n").utf8))
}
let answer = await executor.answer(to: input)
if let reason = answer.reason { FileHandle.standardError.write(Data((reason + "\n").utf8)) }
guard let path = environment["BELFRY_ANSWER"],
  (try? Data(answer.json.bytes).write(to: URL(fileURLWithPath: path))) != nil
else {
  FileHandle.standardError.write(Data("there is no BELFRY_ANSWER to answer to\n".utf8))
  exit(1)
}
