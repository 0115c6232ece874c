using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>The two clocks: one for people, which may be set, and one for waiting, which is not.</summary>
internal sealed class LedgerClock(TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    public TimeProvider Provider => time;
    public Timestamp Wall => Timestamp.From(time.GetUtcNow());
    public TimeSpan Steady => time.GetElapsedTime(_started);
}
