using System.Diagnostics;

namespace Sync.ChaosTests;

/// <summary>The machine's monotonic clock, the same in all its processes: no clock step touches it.</summary>
internal static class MachineClock
{
    /// <summary>Microseconds since the machine's start.</summary>
    public static long Now => (long)(Stopwatch.GetTimestamp() * (1_000_000.0 / Stopwatch.Frequency));
}
