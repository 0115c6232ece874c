using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>A row of the ledger, as far as the check needs it.</summary>
internal sealed record FactRow(
    int Feed, long Position, long Sequence, long Epoch, long After, ChangeOp Op, Guid Id, Guid? Causation, SyncedKey Key,
    ulong Hash, string? IdempotencyKey, bool Parses, long Major)
{
    /// <summary>Whether a reader may show it.</summary>
    /// <param name="knows">The newest major that the reader knows.</param>
    public bool PassesGates(long knows) => Op == ChangeOp.Delete || (Parses && Major <= knows);

    public override string ToString() =>
        $"{Feed}/{Position} {Key} sequence {Sequence} epoch {Epoch} {Op} fact {Id} hash {Hash:x16} idempotency {IdempotencyKey}";
}

/// <summary>The facts of a ledger, in the order of their feeds, with what holds between them checked as they come (R2,
/// R4, R9).</summary>
internal sealed class LedgerFacts(long history)
{
    private readonly Dictionary<int, List<FactRow>> _feeds = [];
    private readonly Dictionary<SyncedKey, List<FactRow>> _keys = [];
    private readonly Dictionary<(string Vault, string Collection), FactRow> _collections = [];
    private readonly Dictionary<(string Vault, string Id), FactRow> _ids = [];
    private readonly Dictionary<int, long> _settled = [];
    private readonly FindingList _broken = new();

    public long History { get; } = history;

    public IEnumerable<int> Feeds => _feeds.Keys;

    public int Count { get; private set; }

    /// <summary>Changes of an owner of a feed.</summary>
    public int TakeOvers { get; private set; }

    public IReadOnlyList<FactRow> Of(int feed) => _feeds.TryGetValue(feed, out var rows) ? rows : [];

    /// <summary>All facts of a key, oldest first.</summary>
    public IReadOnlyList<FactRow> Of(SyncedKey key) => _keys.TryGetValue(key, out var rows) ? rows : [];

    public FactRow? At(int feed, long position)
    {
        var rows = Of(feed);
        var index = rows.Count == 0 ? -1 : position - rows[0].Position;
        return index >= 0 && index < rows.Count && rows[(int)index].Position == position ? rows[(int)index] : null;
    }

    public FactRow? ById(string vault, string id) => _ids.GetValueOrDefault((vault, id));

    /// <summary>The fact of a key with a sequence; null = there is none.</summary>
    public FactRow? At(SyncedKey key, long sequence)
    {
        var rows = Of(key);
        var index = rows.Count == 0 ? -1 : sequence - rows[0].Sequence;
        return index >= 0 && index < rows.Count && rows[(int)index].Sequence == sequence ? rows[(int)index] : null;
    }

    public IEnumerable<SyncedKey> KeysOf(int feed) => _keys.Where(key => key.Value[0].Feed == feed).Select(key => key.Key);

    /// <summary>The facts of a key from a sequence on, newest first.</summary>
    public IEnumerable<FactRow> From(SyncedKey key, long sequence)
    {
        var rows = Of(key);
        for (var i = rows.Count - 1; i >= 0 && rows[i].Sequence >= sequence; i--) yield return rows[i];
    }

    /// <summary>The last fact of a key at or below a position; null = there is none.</summary>
    public FactRow? LastAt(SyncedKey key, long position)
    {
        var rows = Of(key);
        for (var i = rows.Count - 1; i >= 0; i--)
            if (rows[i].Position <= position) return rows[i];
        return null;
    }

    public long Head(int feed) => Of(feed) is { Count: > 0 } rows ? rows[^1].Position : 0;

    /// <summary>The head of a feed at the last <see cref="Settle"/>: what logs that were read after it must tell
    /// of.</summary>
    public long SettledHead(int feed) => _settled.GetValueOrDefault(feed);

    public void Settle()
    {
        foreach (var feed in Feeds) _settled[feed] = Head(feed);
    }

    /// <summary>Takes the next row of a feed.</summary>
    public void Add(FactRow fact)
    {
        if (!_feeds.TryGetValue(fact.Feed, out var feed)) _feeds[fact.Feed] = feed = [];
        if (feed.Count > 0) Compare(feed[^1], fact);
        feed.Add(fact);
        Count++;

        if (!_keys.TryGetValue(fact.Key, out var key)) _keys[fact.Key] = key = [];
        var expected = key.Count == 0 ? 1 : key[^1].Sequence + 1;
        if (fact.Sequence != expected)
            _broken.Add("R2", $"the sequences of a key are not dense", $"expected {expected}: {fact}");
        if (fact.Op != ChangeOp.Append && fact.Causation != (key.Count == 0 ? null : key[^1].Id))
            _broken.Add("R2", "a fact does not name the key's previous fact", $"{fact}");
        key.Add(fact);

        var name = (fact.Key.Vault, fact.Key.Collection);
        var after = _collections.TryGetValue(name, out var last) ? last.Position : 0;
        if (fact.After != after)
            _broken.Add("R2", "a fact does not name the collection's previous change",
                $"{fact.After}, not {after}: {fact}");
        _collections[name] = fact;

        if (fact.IdempotencyKey is not { } id) return;
        if (_ids.TryGetValue((fact.Key.Vault, id), out var first))
            _broken.Add("R4", "an idempotency key committed twice", $"{first} and {fact}");
        else _ids[(fact.Key.Vault, id)] = fact;
    }

    /// <summary>What is broken between the rows; <paramref name="heads"/> is what the feeds say of themselves, of the
    /// same snapshot.</summary>
    public void Check(IReadOnlyDictionary<int, long> heads, FindingList findings)
    {
        findings.AddAll(_broken);
        foreach (var (feed, head) in heads)
            if (head != Head(feed))
                findings.Add("R2", "a feed's position is not that of its last fact",
                    $"feed {feed}: {head}, not {Head(feed)}");
    }

    private void Compare(FactRow last, FactRow fact)
    {
        if (fact.Position != last.Position + 1)
            _broken.Add("R2", "the positions of a feed are not dense", $"{fact} follows {last.Position}");
        if (fact.Epoch < last.Epoch)
            _broken.Add("R9", "a fact of an older epoch follows one of a newer", $"{fact} follows epoch {last.Epoch}");
        if (fact.Epoch > last.Epoch) TakeOvers++;
    }
}
