using Sync.Contracts;
using Sync.Replication;

namespace Sync.ChaosTests.Check;

/// <summary>What one reader of a process saw of all its keys, since it was opened.</summary>
/// <param name="name">Its log and its name there: <c>replica-0 key</c>, <c>replica-0 list</c>.</param>
/// <param name="isList">True: a replica of the whole collection. False: one of each followed key.</param>
/// <param name="knows">The newest schema major that it knows.</param>
internal sealed class ReaderStory(string name, bool isList, long knows)
{
    public string Name => name;

    public string File => name.Split(' ')[0];

    public bool IsList => isList;

    public long Knows => knows;

    public Dictionary<SyncedKey, KeyStory> Keys { get; } = [];

    /// <summary>How a replica of a collection says that it stands (<see cref="CollectionStatus"/>); null = it did not
    /// say.</summary>
    public long? Status { get; set; }

    public KeyStory Of(SyncedKey key) => Keys.TryGetValue(key, out var story) ? story : Keys[key] = new KeyStory();
}

/// <summary>What one reader saw of one key.</summary>
internal sealed class KeyStory
{
    private readonly List<(long Time, long Sequence, bool IsGone)> _shown = [];
    private readonly HashSet<long> _left = [];
    private long _history, _sequence;
    private ulong? _hash;
    private (long Time, long Sequence) _refused;
    private (long Time, long Status)? _status;

    /// <summary>Oldest first, back to the last trim.</summary>
    public IReadOnlyList<(long Time, long Sequence, bool IsGone)> Shown => _shown;

    /// <summary>What was shown at a moment; null = nothing yet.</summary>
    public (long Sequence, bool IsGone)? At(long time)
    {
        var last = _shown.FindLastIndex(shown => shown.Time <= time);
        return last < 0 ? null : (_shown[last].Sequence, _shown[last].IsGone);
    }

    /// <summary>A gate refused a value of it.</summary>
    public void Refuse(long time, long sequence) => _refused = (time, sequence);

    /// <summary>How a replica of the key alone stands (<see cref="ReplicaStatus"/>).</summary>
    public void Stand(long time, long status) => _status = (time, status);

    /// <summary>When a collection replica said that it has refused a value of at least this sequence; null = it did
    /// not.</summary>
    public long? RefusedAt(long sequence) => _refused.Sequence >= sequence ? _refused.Time : null;

    /// <summary>Since when a replica of the key alone says that its value is not the newest; null = it does
    /// not.</summary>
    public long? NotOkSince => _status is { } said && said.Status != (long)ReplicaStatus.Ok ? said.Time : null;

    public void Show(long time, long sequence, bool isGone) => _shown.Add((time, sequence, isGone));

    /// <summary>What is wrong with what was seen next; null = nothing.</summary>
    public string? Take(long history, long sequence, ulong? hash)
    {
        var wrong = history != _history && _left.Contains(history) ? "a reader was shown an old history after a new one"
            : history == _history && sequence < _sequence ? "a sequence went back"
            : history == _history && sequence == _sequence && hash != _hash && _hash is not null && hash is not null
                ? "one sequence had two values"
            : null;
        if (history != _history) _left.Add(_history);
        (_history, _sequence, _hash) = (history, sequence, hash);
        return wrong;
    }

    public void Trim(long before)
    {
        var last = _shown.FindLastIndex(shown => shown.Time <= before);
        if (last > 0) _shown.RemoveRange(0, last);
    }

    public override string ToString() =>
        $"sequence {_sequence} hash {_hash:x16} of {_history}, refused {_refused.Sequence}, status {_status?.Status}";
}
