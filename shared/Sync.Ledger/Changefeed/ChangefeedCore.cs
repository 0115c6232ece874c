using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>One reader of a changefeed: what to tell it next, given what was read for it. A deterministic state machine;
/// its shell is <see cref="Changefeed"/>.</summary>
/// <remarks>The rule that it protects: behind the cursor everything wanted was told, or a <see cref="FeedEvent.Reset"/>
/// or <see cref="FeedEvent.Dropped"/> said that it was not.</remarks>
internal sealed class ChangefeedCore(
    FeedRequest request, FeedId feed, int dropBehind, int reachedEvery, PlantedFaults faults)
{
    private readonly Queue<FeedEvent> _told = [];
    private Position? _toldAt;
    private bool _wasAtHead;

    /// <summary>Behind this is what to read next; null = a reader from now on that does not know yet where that
    /// is.</summary>
    public Position? After { get; private set; } =
        request.After?.Position ?? (request.FromBeginning ? Position.Start : null);

    /// <summary>True after the first slice.</summary>
    public bool IsPlaced { get; private set; }

    /// <summary>The feed's head as last seen.</summary>
    public Position Head { get; private set; }

    /// <summary>True while there is nothing to read.</summary>
    public bool IsAtHead => IsPlaced && After >= Head;

    /// <summary>True when the cursor moved without the reader being told.</summary>
    public bool HasUntold => IsPlaced && _toldAt != After;

    public bool TryTake(out FeedEvent told) => _told.TryDequeue(out told!);

    /// <summary>Takes what was read behind <see cref="After"/>.</summary>
    public void Receive(FeedSlice slice)
    {
        Head = slice.Head;
        var wasPlaced = IsPlaced;
        IsPlaced = true;
        if (After is null)
        {
            // From now on: the first thing to tell is where that is.
            ReachHead(slice.History);
            return;
        }
        if (!wasPlaced && request.After is null)
        {
            // The oldest that is kept is where the beginning is.
            After = new Position(Math.Max(0, slice.Floor.Value - 1));
        }
        if (WhyReset(slice, wasPlaced) is { } reason) Reset(reason, slice.History);
        else if (IsToDrop()) Drop(slice.History);
        else Tell(slice);
    }

    /// <summary>Time passed: a reader whose filter lets nothing through must still move its cursor, or it would come
    /// back to what is no longer kept.</summary>
    public void Idle(HistoryId history)
    {
        if (HasUntold) Tell(new FeedEvent.Reached(At(history, After!.Value)));
    }

    private ResetReason? WhyReset(FeedSlice slice, bool wasPlaced)
    {
        var isOther = !wasPlaced && request.After is { } given && given.History != slice.History;
        if (isOther && !faults.CursorHistoryIgnored) return ResetReason.OtherHistory;
        if (After > slice.Head) return ResetReason.Ahead;
        if (faults.CursorFloorIgnored) return null;
        return After!.Value.Next < slice.Floor && After < slice.Head ? ResetReason.Expired : null;
    }

    private void Reset(ResetReason reason, HistoryId history)
    {
        if (faults.FromNowInsteadOfReset)
        {
            ReachHead(history);
            return;
        }
        After = Head;
        Tell(new FeedEvent.Reset(reason, At(history, Head)));
    }

    private bool IsToDrop() =>
        request.Policy == DeliveryPolicy.DropToLatest && Head.Value - After!.Value.Value > dropBehind;

    private void Drop(HistoryId history)
    {
        var last = At(history, After!.Value);
        After = Head;
        if (!faults.DropNotTold) Tell(new FeedEvent.Dropped(last, At(history, Head)));
    }

    private void Tell(FeedSlice slice)
    {
        // Read behind another place than where this reader is: it says nothing about what lies between.
        if (slice.After > After || slice.Through < After) return;
        foreach (var change in slice.Changes)
            if (change.Position > After && request.Filter.Matches(change.Key)) Tell(new FeedEvent.Change(change));
        After = faults.ThroughIsHead ? slice.Head : slice.Through;
        var isFirstAtHead = IsAtHead && !_wasAtHead;
        _wasAtHead |= IsAtHead;
        var since = After.Value.Value - (_toldAt?.Value ?? 0);
        if (HasUntold && (isFirstAtHead || since >= reachedEvery)) Idle(slice.History);
    }

    private void ReachHead(HistoryId history)
    {
        (After, _wasAtHead) = (Head, true);
        Tell(new FeedEvent.Reached(At(history, Head)));
    }

    private void Tell(FeedEvent told)
    {
        _toldAt = told.At.Position;
        _told.Enqueue(told);
    }

    private FeedPosition At(HistoryId history, Position position) => new(feed, history, position);
}
