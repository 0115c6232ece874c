using System.Text;
using Sync.Contracts;
using Sync.Replication;

namespace Sync.Testing.Replication;

/// <summary>A writer as replicas see it, in memory: one feed of facts, heads, refetch answers, history, beats. What
/// reaches the bus is the test's decision. Safe from any thread by one lock.</summary>
public sealed class ModelWriter(int feed = 3, long history = 77) : IEnvelopeSource, IHistorySource
{
    private readonly Lock _gate = new();
    private readonly Dictionary<SyncedKey, List<Envelope>> _facts = [];
    private readonly List<Envelope> _log = [];
    private long _beatPrev;

    /// <summary>The feed.</summary>
    public FeedId Feed { get; } = new(feed);

    /// <summary>The history; <see cref="Restore"/> changes it.</summary>
    public HistoryId History { get; private set; } = new(history);

    /// <summary>The last position.</summary>
    public Position Position
    {
        get { lock (_gate) return new(_log.Count); }
    }

    /// <summary>Requests that came in, each with its items.</summary>
    public List<IReadOnlyList<RefetchItem>> Requests { get; } = [];

    /// <summary>Requests being answered now.</summary>
    public int InFlight { get; private set; }

    /// <summary>The most requests there ever were at a time.</summary>
    public int InFlightMax { get; private set; }

    /// <summary>Called before each answer; may wait, or throw to fail the request.</summary>
    public Func<ValueTask>? BeforeAnswer { get; set; }

    /// <summary>Most items one answer covers; the rest is cut.</summary>
    public int ItemsMax { get; set; } = IEnvelopeSource.ItemsMax;

    /// <summary>Commits a put.</summary>
    public Envelope Put(SyncedKey key, string value, string? version = "1.0") => Commit(key, value, version, ChangeOp.Put);

    /// <summary>Commits a delete.</summary>
    public Envelope Delete(SyncedKey key) => Commit(key, "", "1.0", ChangeOp.Delete);

    /// <summary>The current envelope; null when there is no fact.</summary>
    public Envelope? Head(SyncedKey key)
    {
        lock (_gate) return _facts.TryGetValue(key, out var facts) ? facts[^1] : null;
    }

    /// <summary>The envelope of a key that was current at a position; null when there was none.</summary>
    public Envelope? HeadAt(SyncedKey key, Position position)
    {
        lock (_gate) return _log.LastOrDefault(envelope => envelope.Key == key && envelope.Position <= position);
    }

    /// <summary>An older backup takes over: only the first so many facts of each key are left, under another
    /// history.</summary>
    public void Restore(int factsOfEachKey, long history)
    {
        lock (_gate)
        {
            History = new(history);
            _log.Clear();
            foreach (var (key, facts) in _facts.ToList())
            {
                var kept = facts.Take(factsOfEachKey).ToList();
                _facts.Remove(key);
                foreach (var fact in kept) Append(key, Encoding.UTF8.GetString(fact.Value.Span), fact.SchemaVersion.Text, fact.Op);
            }
            _beatPrev = 0;
        }
    }

    /// <summary>The beat over everything since the last one.</summary>
    public Beat NextBeat()
    {
        lock (_gate)
        {
            var beat = BeatOver(_beatPrev, _log.Count);
            _beatPrev = _log.Count;
            return beat;
        }
    }

    /// <summary>The beat over the positions after <paramref name="prev"/> up to
    /// <paramref name="position"/>.</summary>
    public Beat BeatOver(long prev, long position)
    {
        lock (_gate)
        {
            var last = new Dictionary<SyncedKey, long>();
            for (var at = prev + 1; at <= position; at++) last[_log[(int)at - 1].Key] = at;
            return new Beat
            {
                Feed = Feed,
                History = History,
                Prev = new(prev),
                Position = new(position),
                Keys = [.. last.Select(pair => new BeatKey(Crc32.Of(pair.Key), (uint)(pair.Value - prev))).OrderBy(key => key.Crc)],
            };
        }
    }

    /// <inheritdoc/>
    public async ValueTask<EnvelopeAnswer> GetManyAsync(
        string vault, IReadOnlyList<RefetchItem> items, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            Requests.Add(items);
            InFlightMax = Math.Max(InFlightMax, ++InFlight);
        }
        try
        {
            if (BeforeAnswer is { } before) await before().ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            return Answer(vault, items);
        }
        finally
        {
            lock (_gate) InFlight--;
        }
    }

    /// <summary>What the writer would answer now.</summary>
    public EnvelopeAnswer Answer(string vault, IReadOnlyList<RefetchItem> items)
    {
        lock (_gate)
        {
            var envelopes = new List<Envelope>();
            var answered = Math.Min(items.Count, ItemsMax);
            for (var index = 0; index < answered; index++)
            {
                var key = new SyncedKey(vault, items[index].Collection, items[index].Key);
                var head = _facts.TryGetValue(key, out var facts) ? facts[^1] : Absent(key);
                if (head.Sequence > items[index].Have) envelopes.Add(head);
            }
            return new EnvelopeAnswer
            {
                Feed = Feed,
                History = History,
                Floor = new(1),
                Position = new(_log.Count),
                Envelopes = envelopes,
                Answered = answered,
            };
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Envelope>> GetHistoryAsync(
        SyncedKey key, Sequence after, int limit, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            IReadOnlyList<Envelope> page = _facts.TryGetValue(key, out var facts)
                ? [.. facts.Where(fact => fact.Sequence > after).Take(limit)]
                : [];
            return ValueTask.FromResult(page);
        }
    }

    private Envelope Commit(SyncedKey key, string value, string? version, ChangeOp op)
    {
        lock (_gate) return Append(key, value, version, op);
    }

    private Envelope Append(SyncedKey key, string value, string? version, ChangeOp op)
    {
        if (!_facts.TryGetValue(key, out var facts)) _facts.Add(key, facts = []);
        var envelope = new Envelope
        {
            Key = key,
            Value = Encoding.UTF8.GetBytes(value),
            SchemaVersion = new(version),
            Sequence = new(facts.Count + 1),
            Op = op,
            Feed = Feed,
            Position = new(_log.Count + 1),
            History = History,
            Time = new(1_000_000 + _log.Count),
        };
        facts.Add(envelope);
        _log.Add(envelope);
        return envelope;
    }

    private Envelope Absent(SyncedKey key) => new()
    {
        Key = key,
        Value = default,
        Sequence = Sequence.None,
        Feed = Feed,
        History = History,
    };
}
