using Sync.Contracts;

namespace Sync.Simulation;

/// <summary>The schedule's time as the ledger in memory wants it: the database's clock, which nobody sets. Processes have
/// wall clocks that are off by a step of their own.</summary>
internal sealed class VirtualClock(Schedule schedule) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => schedule.Now.Ticks;

    public override DateTimeOffset GetUtcNow() => Start + schedule.Now;

    /// <summary>What a process sees whose wall clock is off by this much.</summary>
    public Timestamp Wall(TimeSpan step) => Timestamp.From(Start + schedule.Now + step);
}
