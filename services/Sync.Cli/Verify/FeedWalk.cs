using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Cli.Verify;

/// <summary>Walks the facts of one feed in order and says what breaks first: positions and sequences dense, causation the key's
/// previous fact, value hashes true, times growing never backwards, the collection's previous position right, the chain unbroken.</summary>
public sealed class FeedWalk(FeedId feed)
{
    // One entry per key ever written in the feed: a walk cannot check causation with less.
    private readonly Dictionary<SyncedKey, (Sequence Sequence, FactId Id, ChangeOp Op)> _heads = [];
    private readonly Dictionary<(string Vault, string Collection), Position> _collections = [];
    private Hash256 _chain;
    private Timestamp _time;
    private LeaseEpoch _epoch;

    /// <summary>The feed.</summary>
    public FeedId Feed => feed;

    /// <summary>The last fact that was right.</summary>
    public Position Position { get; private set; }

    /// <summary>Keys whose last fact is a value.</summary>
    public long Live { get; private set; }

    /// <summary>Keys that have a fact.</summary>
    public int Keys => _heads.Count;

    /// <summary>Vaults that have a fact.</summary>
    public IEnumerable<string> Vaults => _collections.Keys.Select(name => name.Vault).Distinct(StringComparer.Ordinal);

    /// <summary>Collections that have a fact.</summary>
    public IReadOnlyCollection<(string Vault, string Collection)> Collections => _collections.Keys;

    /// <summary>The highest sequence of any key.</summary>
    public long MaxSequence { get; private set; }

    /// <summary>Checks the next fact. After a wrong one the walk is over.</summary>
    /// <returns>Null when it continues the feed; else what is wrong with it.</returns>
    public string? Next(Fact fact)
    {
        var wrong = Check(fact);
        if (wrong is not null) return $"feed {feed}, position {fact.Position}, {fact.Key}: {wrong}";
        var before = _heads.GetValueOrDefault(fact.Key, (Sequence.None, default, ChangeOp.Delete));
        Live += (fact.Op == ChangeOp.Delete ? 0 : 1) - (before.Item3 == ChangeOp.Delete ? 0 : 1);
        _heads[fact.Key] = (fact.Sequence, fact.Id, fact.Op);
        _collections[(fact.Key.Vault, fact.Key.Collection)] = fact.Position;
        (Position, _chain, _time, _epoch) = (fact.Position, fact.Chain, fact.TransactionTime, fact.Epoch);
        MaxSequence = Math.Max(MaxSequence, fact.Sequence.Value);
        return null;
    }

    private string? Check(Fact fact)
    {
        if (fact.Feed != feed) return $"the fact says feed {fact.Feed}";
        if (fact.Position != Position.Next) return $"the position after {Position} must be {Position.Next}";
        if (Hash256.Of(fact.Value.Span) != fact.ValueHash) return "the value is not what its hash says";
        var known = _heads.TryGetValue(fact.Key, out var before);
        var expected = known ? before.Sequence.Next : new Sequence(1);
        if (fact.Sequence != expected) return $"the sequence must be {expected}, not {fact.Sequence}";
        var causation = known ? before.Id : (FactId?)null;
        if (fact.Op != ChangeOp.Append && fact.Causation != causation) return $"the causation must be {Text(causation)}, not {Text(fact.Causation)}";
        var after = _collections.GetValueOrDefault((fact.Key.Vault, fact.Key.Collection));
        if (fact.After != after) return $"the collection's previous position must be {after}, not {fact.After}";
        if (fact.TransactionTime < _time) return "the transaction time goes back";
        if (fact.Epoch.Value < _epoch.Value) return $"epoch {fact.Epoch} follows epoch {_epoch}: a fenced writer committed";
        return FactChain.Next(_chain, fact) == fact.Chain ? null : "the chain breaks here: this fact or an earlier one was rewritten";
    }

    private static string Text(FactId? id) => id?.ToString() ?? "none";
}
