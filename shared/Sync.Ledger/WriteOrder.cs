using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Keeps the order of the writes that one caller sent to one feed in one request: once a write of a key was
/// refused for a passing reason, or its outcome is unknown, no later one of that key commits; it is refused as overloaded.
/// So the caller may send several writes of a key at once, and repeat what failed without overtaking itself.</summary>
/// <remarks>Safe from any thread: one short lock, taken only after something failed; the flag in front of it is set before
/// the answer of the failed write is given. Bounded: beyond 10,000 keys every key counts as broken.</remarks>
public sealed class WriteOrder
{
    private const int KeysMax = 10_000;

    private readonly Lock _gate = new();
    private readonly HashSet<SyncedKey> _keys = [];
    private volatile bool _isAnyBroken;

    /// <summary>What a write is answered that would overtake.</summary>
    public static Refusal Refusal { get; } = new(
        RefusalCode.Overloaded, "An earlier write of the key in the same request was not committed. Repeat both, in order.");

    /// <summary>True when an earlier write of the key failed.</summary>
    public bool IsBroken(SyncedKey key)
    {
        if (!_isAnyBroken) return false;
        lock (_gate) return _keys.Count >= KeysMax || _keys.Contains(key);
    }

    /// <summary>Notes an answer: a passing refusal or an unknown outcome breaks the key.</summary>
    public void Note(SyncedKey key, WriteResult result)
    {
        if (result is not (WriteResult.Unknown or WriteResult.Refused { Refusal.IsTransient: true })) return;
        lock (_gate)
        {
            if (_keys.Count < KeysMax) _keys.Add(key);
            _isAnyBroken = true;
        }
    }
}
