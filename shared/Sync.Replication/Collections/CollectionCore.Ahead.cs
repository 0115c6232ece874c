using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Read-ahead: the next page of a snapshot is asked for while the one before is not applied yet. Pages are applied in
/// order all the same; one that comes too early waits, one for each feed at most.</summary>
public sealed partial class CollectionCore<T>
{
    /// <summary>A page of a snapshot has come, and <c>Answered</c> with the same page follows: what lies behind it is asked for
    /// now, so that the writer reads on meanwhile. Nothing that is held changes; a shell may leave this out.</summary>
    /// <param name="id">The request.</param>
    /// <param name="page">What the writer gave.</param>
    /// <param name="effects">Receives the next request, if there is one to send.</param>
    public void ReadAhead(long id, SnapshotPage page, CollectionEffects<T> effects)
    {
        ArgumentNullException.ThrowIfNull(page);
        if (_isDisposed || _isFull || !page.More || _outstanding.Count >= _rules.RequestsMax) return;
        if (!_outstanding.TryGetValue(id, out var request) || request.Feed is not { } feed) return;
        if (feed.Request != id || feed.Ahead != 0 || request.Sent.Kind != CollectionRequestKind.Snapshot) return;
        if (IsOtherHistory(page.History) || !IsUsable(feed, request.Sent.Snapshot, page)) return;
        feed.Ahead = Send(feed, PageRequest(page.Feed, page.Envelopes[^1].Key), effects);
    }

    // The page before it is not applied yet: it waits.
    private bool IsEarly(long id, SnapshotPage page)
    {
        if (_rules.Faults.AheadTakenAtOnce || !_outstanding.TryGetValue(id, out var request)) return false;
        if (request.Feed is not { } feed || feed.Ahead != id) return false;
        feed.AheadPage = page;
        return true;
    }

    // A page was taken: what was asked for behind it is next.
    private void TakeAhead(CollectionFeed<T> feed, CollectionMoment at, CollectionEffects<T> effects)
    {
        if (feed.Ahead == 0) return;
        if (!feed.IsLoading || _outstanding[feed.Ahead].Sent.Snapshot.After != feed.LoadAfter)
        {
            DropAhead(feed);
            return;
        }
        var page = feed.AheadPage;
        feed.Request = feed.Ahead;
        feed.ForgetAhead();
        if (page is not null) Answered(feed.Request, page, at, effects);
    }

    private void DropAhead(CollectionFeed<T> feed)
    {
        if (feed.Ahead == 0) return;
        // One whose page waits was answered: nothing else would end it.
        if (feed.AheadPage is not null) _outstanding.Remove(feed.Ahead);
        else _outstanding[feed.Ahead].Feed = null;
        feed.ForgetAhead();
    }
}
