using System.Text;
using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Sync.Testing.Replication;

namespace Sync.Tests.Replication;

/// <summary>Short words for tests of collection cores: one core, its effects, and pages and envelopes for it.</summary>
internal sealed class CollectionOf
{
    public const long History = 77;
    public static readonly FeedId Feed = new(3);
    private readonly double _jitter = 0.5;

    public CollectionOf(CollectionRules? rules = null, SyncedPattern? scope = null)
    {
        Core = new(scope ?? SyncedPattern.OfCollection("acme", "user"), new TextSchema(),
            rules ?? new CollectionRules { Expected = new("1.0") });
    }

    public CollectionCore<string> Core { get; }

    public CollectionEffects<string> Effects { get; } = new();

    public TimeSpan Now { get; set; }

    public CollectionMoment At => new(Now, _jitter);

    /// <summary>A core of one collection that has loaded some records up to a position.</summary>
    public static CollectionOf Loaded(long position, params Envelope[] envelopes)
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(position, envelopes));
        of.Core.FreshnessOf(Feed).IsKnown.ShouldBeTrue();
        return of;
    }

    public static Envelope Put(
        string key, long sequence, long position, long after = 0, string? value = null, string? version = "1.0",
        long history = History, string vault = "acme", string collection = "user", ChangeOp op = ChangeOp.Put) => new()
        {
            Key = new(vault, collection, key),
            Value = Encoding.UTF8.GetBytes(value ?? $"{key}{sequence}"),
            SchemaVersion = new(version),
            Sequence = new(sequence),
            Op = op,
            Feed = Feed,
            Position = new(position),
            After = new(after),
            History = new(history),
        };

    public static Envelope Tombstone(string key, long sequence, long position, long after = 0) =>
        Put(key, sequence, position, after, "", null, op: ChangeOp.Delete);

    public static SnapshotPage Page(long position, params Envelope[] envelopes) => Page(position, false, envelopes);

    public static SnapshotPage Page(
        long position, bool more, Envelope[] envelopes, long history = History,
        CollectionEntry[]? collections = null, string? nextEnd = null) => new()
        {
            Feeds = 8,
            Feed = Feed,
            History = new(history),
            Floor = new(1),
            Position = new(position),
            Envelopes = envelopes,
            Collections = collections ?? [],
            More = more,
            NextEnd = nextEnd is null ? null : new("acme", "user", nextEnd),
        };

    public static ChangesPage Changes(
        long through, Envelope[] envelopes, long? position = null, long floor = 1, long history = History) => new()
        {
            Feed = Feed,
            History = new(history),
            Floor = new(floor),
            Position = new(position ?? through),
            Through = new(through),
            Envelopes = envelopes,
        };

    public static Beat BeatOf(long prev, long position, params BeatCollection[] collections) => new()
    {
        Feed = Feed,
        History = new(History),
        Prev = new(prev),
        Position = new(position),
        Collections = collections,
    };

    /// <summary>The last request sent.</summary>
    public CollectionRequest Request => Effects.Requests[^1];

    public void Live(Envelope envelope) => Core.Receive(envelope, At, Effects);

    public void Hear(Beat beat) => Core.Receive(beat, At, Effects);

    public void Answer(SnapshotPage page) => Core.Answered(Request.Id, page, At, Effects);

    public void Answer(ChangesPage page) => Core.Answered(Request.Id, page, At, Effects);

    public void Wait(int milliseconds)
    {
        Now += TimeSpan.FromMilliseconds(milliseconds);
        Core.Advance(At, Effects);
    }

    public string? ValueOf(string key) => Core.TryGetValue(new("acme", "user", key), out var value) ? value : null;

    public long Covered => Core.FreshnessOf(Feed).At.Position.Value;
}
