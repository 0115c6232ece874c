using Sync.Ledger;

namespace Sync.Writer.Engine;

/// <summary>Where the writes of one request to one feed go: while some of them are under way, the others follow them, so that
/// none overtakes them by another road when the feed changes its owner. One thread asks for the way; answers come from any, and
/// only count down.</summary>
internal sealed class WriteRoute
{
    private int _underWay;
    private bool _isHere;

    /// <summary>What the sequencer needs to keep the order.</summary>
    public WriteOrder Order { get; } = new();

    /// <summary>Enters one more part of the request.</summary>
    /// <param name="ownsNow">True when this process owns the feed now.</param>
    /// <returns>True: it goes to this process's owner, or is refused by it. False: over the bus.</returns>
    public bool Enter(bool ownsNow)
    {
        if (Interlocked.Increment(ref _underWay) == 1) _isHere = ownsNow;
        return _isHere;
    }

    public void Leave() => Interlocked.Decrement(ref _underWay);
}
