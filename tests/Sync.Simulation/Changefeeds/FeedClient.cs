using Sync.Contracts;

namespace Sync.Simulation.Changefeeds;

/// <summary>A reader: takes what arrives, keeps its cursor, comes back after each cut. Holds every item against the ledger
/// (R3).</summary>
internal sealed class FeedClient
{
    private readonly FeedWorld _world;
    private readonly FeedRequest _first;
    private FeedServer? _server;
    private FeedPosition? _cursor;
    private bool _isFirst;

    public FeedClient(FeedWorld world, int number, FeedRequest request)
    {
        (_world, Number, _first) = (world, number, request);
        _cursor = request.After;
    }

    public int Number { get; }

    public FeedFilter Filter => _first.Filter;

    /// <summary>It takes nothing for so many steps.</summary>
    public int Stalled { get; set; }

    public FeedServer? Server => _server is { IsOver: false } server ? server : null;

    /// <summary>Behind this its log begins; null = it has none yet.</summary>
    public FeedPosition? LogFrom { get; private set; }

    /// <summary>What it was given behind that.</summary>
    public List<Envelope> Log { get; } = [];

    /// <summary>True when it has been told of everything there is.</summary>
    public bool IsCaughtUp => _cursor is { } at && at.History == _world.Ledger.Shown && at.Position == _world.Ledger.Head;

    public void Connect(FeedNode node)
    {
        var isFromNow = _world.Model.ReconnectFromNow && _server is not null;
        var request = isFromNow ? new FeedRequest(_first.Filter)
            : _cursor is { } cursor ? _first with { After = cursor, FromBeginning = false } : _first;
        if (_server is not null && _cursor is not null) _world.Coverage.Add("changefeed: resume by cursor");
        _server = new FeedServer(_world, node, request);
        _isFirst = true;
    }

    /// <summary>Takes the next item that has arrived.</summary>
    public void Step()
    {
        if (Stalled > 0 && Stalled-- > 0) return;
        if (_server is null || !_server.Socket.TryDequeue(out var item)) return;
        _world.Trace("item", Number, item.At.Position.Value, item is FeedEvent.Change ? 1 : 0);
        switch (item)
        {
            case FeedEvent.Change change: Changed(change.Envelope); break;
            case FeedEvent.Reached: Reached(item.At); break;
            case FeedEvent.Reset reset: Reset(reset); break;
            case FeedEvent.Dropped dropped: Dropped(dropped); break;
        }
        (_cursor, _isFirst) = (item.At, false);
    }

    /// <summary>The connection breaks; of what was on its way a part is lost.</summary>
    public void Cut()
    {
        if (Server is not { } server) return;
        server.End();
        for (var arrives = _world.Random.Below(server.Socket.Count + 1); arrives > 0; arrives--) Step();
        server.Socket.Clear();
    }

    private void Changed(Envelope change)
    {
        var at = new FeedPosition(change.Feed, change.History, change.Position);
        var from = From(at);
        Violation.Unless(FeedLedger.Wants(Filter, change.Key), FeedInvariants.Wanted,
            () => $"reader {Number} was given {change.Key}");
        CheckNothingBetween(from, at with { Position = new(change.Position.Value - 1) });
        var facts = _world.Ledger.Of(_world.Ledger.Named(at.History));
        Violation.Unless(facts.TryGetValue(change.Position.Value, out var fact) && fact.Id == change.Id
            && fact.Value.Span.SequenceEqual(change.Value.Span), FeedInvariants.True,
            () => $"reader {Number} was given {change.Id} at {at}, which is not what the ledger has there");
        LogFrom ??= at with { Position = from };
        Log.Add(change);
    }

    private void Reached(FeedPosition at)
    {
        var isStart = _isFirst && _cursor is null && !_first.FromBeginning;
        if (!isStart)
        {
            CheckNothingBetween(From(at), at);
            LogFrom ??= at;
            return;
        }
        // Now is what its process knows of; that may be a little behind, but there is nothing ahead of it.
        var head = _world.Ledger.HeadOf(_world.Ledger.Named(at.History));
        Violation.Unless(at.Position <= head, FeedInvariants.NoHole,
            () => $"reader {Number} from now was placed at {at.Position}; the head is {head}");
        StartLog(at);
    }

    private void Reset(FeedEvent.Reset reset)
    {
        Violation.Unless(_cursor is not null, FeedInvariants.Cause, () => $"reader {Number} without a cursor was reset");
        var before = _cursor!.Value;
        var isTrue = reset.Reason switch
        {
            ResetReason.OtherHistory => _world.Ledger.Named(before.History) != _world.Ledger.Named(reset.At.History),
            ResetReason.Ahead => before.Position > reset.At.Position,
            _ => before.Position.Next < _world.Ledger.FloorOf(_world.Ledger.Named(reset.At.History)),
        };
        Violation.Unless(isTrue && _world.Ledger.Knows(_world.Ledger.Named(reset.At.History)), FeedInvariants.Cause,
            () => $"reader {Number} at {before} was reset to {reset.At} as {reset.Reason}");
        _world.Coverage.Add(reset.Reason switch
        {
            ResetReason.OtherHistory => "changefeed: reset, other history",
            ResetReason.Ahead => "changefeed: reset, ahead",
            _ => "changefeed: reset, below the floor",
        });
        StartLog(reset.At);
    }

    private void Dropped(FeedEvent.Dropped dropped)
    {
        Violation.Unless(_first.Policy == DeliveryPolicy.DropToLatest, FeedInvariants.Cause,
            () => $"reader {Number} wants everything, and was dropped to {dropped.Next}");
        CheckNothingBetween(From(dropped.After), dropped.After);
        Violation.Unless(dropped.Next.Position.Value - dropped.After.Position.Value > _world.Plan.DropBehind,
            FeedInvariants.Cause, () => $"reader {Number} was dropped from {dropped.After} to {dropped.Next}");
        _world.Coverage.Add("changefeed: dropped to the latest");
        StartLog(dropped.Next);
    }

    // Behind what the reader has: its cursor, or where its first slice began.
    private Position From(FeedPosition to)
    {
        var from = _cursor?.Position ?? (_first.FromBeginning ? _server!.Began!.Value : to.Position);
        var (ledger, cursor) = (_world.Ledger, _cursor ?? to);
        Violation.Unless(ledger.Named(cursor.History) == ledger.Named(to.History), FeedInvariants.NoHole,
            () => $"reader {Number} went from {_cursor} to {to} without a reset");
        Violation.Unless(to.Position >= from, FeedInvariants.NoHole, () => $"reader {Number} went back from {from} to {to}");
        return from;
    }

    private void CheckNothingBetween(Position from, FeedPosition to)
    {
        var facts = _world.Ledger.Of(_world.Ledger.Named(to.History));
        for (var position = from.Value + 1; position <= to.Position.Value; position++)
            Violation.Unless(!facts.TryGetValue(position, out var fact) || !FeedLedger.Wants(Filter, fact.Key),
                FeedInvariants.NoHole, () => $"reader {Number} went from {from} to {to} without {position}");
    }

    private void StartLog(FeedPosition at)
    {
        LogFrom = at;
        Log.Clear();
    }
}
