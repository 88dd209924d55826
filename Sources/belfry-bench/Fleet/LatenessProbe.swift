/// The program whose start is measured: static, so that no loader works before its `main`, which looks at the clock and
/// prints nanoseconds since 1970.
enum LatenessProbe {
  /// Compiles it with the system's C compiler, which the shim needs too. The path of the program.
  static func build(in folder: BenchFolder) async throws -> String {
    let source = try folder.write("probe.c", text.utf8)
    try await Tool.run(["cc", "-static", "-Os", "-s", "-o", folder["probe"], source])
    return folder["probe"]
  }

  private static let text = """
    #include <time.h>
    #include <unistd.h>

    int main(void) {
      struct timespec now;
      clock_gettime(CLOCK_REALTIME, &now);
      unsigned long long rest = now.tv_sec * 1000000000ull + now.tv_nsec;
      char text[24] = {0}, *digit = text + sizeof text;
      *--digit = '\\n';
      for (; rest > 0; rest /= 10) *--digit = '0' + rest % 10;
      long size = text + sizeof text - digit;
      return write(1, digit, size) == size ? 0 : 1;
    }

    """
}
