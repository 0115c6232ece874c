using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Sync.HostileTests.Run;

/// <summary>What became of one input.</summary>
/// <param name="IsTaken">True when it was taken.</param>
/// <param name="Site">Which answer it was: a hash of the message without numbers and quoted pieces.</param>
internal readonly record struct Outcome(bool IsTaken, int Site);

/// <summary>Reads one input with a target and holds it to its bounds. Time is the processor time of this thread, so a busy
/// machine fails nothing; a bound that is passed once is measured again before it counts.</summary>
internal sealed partial class Probe(Target target)
{
    public static readonly TimeSpan CpuMax = TimeSpan.FromMilliseconds(50);

    private const int ThreadCpuClock = 3;
    private const int SiteLettersMax = 40;

    /// <summary>Timestamp at which the reading under way began; 0 = none. For the watch that ends a run that hangs.</summary>
    public long Since;

    public Outcome Run(ReadOnlySpan<byte> input)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        Volatile.Write(ref Since, started);
        var error = Read(input);
        Volatile.Write(ref Since, 0);
        var took = Stopwatch.GetElapsedTime(started);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (took > CpuMax) HoldTime(input);
        if (allocated > AllocatedMax(input.Length)) HoldMemory(input);
        Judge(input, error);
        return new Outcome(error is null, SiteOf(error));
    }

    private string? Read(ReadOnlySpan<byte> input)
    {
        try
        {
            return target.Read(input);
        }
        catch (Exception error) when (error is not WrongAnswerException)
        {
            throw new WrongAnswerException($"it threw {error.GetType().Name}", error);
        }
    }

    // Encoding again what was taken is part of the judgement, and production code too.
    private void Judge(ReadOnlySpan<byte> input, string? error)
    {
        try
        {
            target.Judge(input, error);
        }
        catch (Exception failed) when (failed is not WrongAnswerException)
        {
            throw new WrongAnswerException($"its judgement threw {failed.GetType().Name}", failed);
        }
    }

    private long AllocatedMax(int length) => target.AllocatedBase + (target.AllocatedPerByte * length);

    private void HoldTime(ReadOnlySpan<byte> input)
    {
        var fastest = TimeSpan.MaxValue;
        for (var again = 0; again < 2 && fastest > CpuMax; again++)
        {
            var before = CpuTime();
            Read(input);
            var took = CpuTime() - before;
            if (took < fastest) fastest = took;
        }
        if (fastest > CpuMax)
            throw new WrongAnswerException($"it took more than {CpuMax.TotalMilliseconds} ms of processor time");
    }

    // The first reading of its kind also pays for what is kept: pools, caches, compiled code.
    private void HoldMemory(ReadOnlySpan<byte> input)
    {
        var least = long.MaxValue;
        for (var again = 0; again < 2; again++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Read(input);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        if (least > AllocatedMax(input.Length))
            throw new WrongAnswerException($"it allocated {least} bytes for {input.Length}");
    }

    private static int SiteOf(string? error)
    {
        if (error is null) return 0;
        var hash = 2166136261u;
        var isQuoted = false;
        var letters = 0;
        foreach (var letter in error)
        {
            if (letter is '\'' or '"') isQuoted = !isQuoted;
            else if (!isQuoted && char.IsAsciiLetter(letter)) hash = (hash ^ letter) * 16777619;
            // What follows is more and more of the input itself.
            if (++letters == SiteLettersMax) break;
        }
        return (int)hash;
    }

    private static TimeSpan CpuTime()
    {
        if (OperatingSystem.IsLinux() && ClockGetTime(ThreadCpuClock, out var time) == 0)
            return TimeSpan.FromTicks((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / 100));
        return Stopwatch.GetElapsedTime(0);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ClockGetTime(int clock, out TimeSpec time);
}
