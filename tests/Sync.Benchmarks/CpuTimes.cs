using System.Diagnostics;

namespace Sync.Benchmarks;

/// <summary>CPU seconds that a process has used so far.</summary>
internal static class CpuTimes
{
    public static double Of(int pid)
    {
        using var process = Process.GetProcessById(pid);
        return process.TotalProcessorTime.TotalSeconds;
    }
}
