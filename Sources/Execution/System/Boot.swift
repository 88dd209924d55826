/// This run of the machine, from power-on to power-off.
public enum Boot {
  /// What the kernel calls it (random(4), `/proc/sys/kernel/random/boot_id`); empty when it does not say.
  public static var id: String { StatusFile.currentBootID }
}
