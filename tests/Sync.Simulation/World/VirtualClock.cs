using Sync.Contracts;

namespace Sync.Simulation;

/// <summary>The schedule's time as the ledger in memory wants it, and a wall clock that can be stepped.</summary>
internal sealed class VirtualClock(Schedule schedule) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How far the wall clock was set forward or back.</summary>
    public TimeSpan Step { get; set; }

    public Timestamp Wall => Timestamp.From(GetUtcNow());

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => schedule.Now.Ticks;

    public override DateTimeOffset GetUtcNow() => Start + schedule.Now + Step;
}
