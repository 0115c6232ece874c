using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Read-ahead: the next pages of a snapshot are asked for while the one before is not applied yet. Where the next one
/// begins is known from the page at hand; where the one behind that begins the writer guesses, so that it reads the one while it
/// sends the other. Pages are applied in order all the same: one that comes too early waits, two for each feed at most, and one
/// behind a wrong guess is asked for again.</summary>
public sealed partial class CollectionCore<T>
{
    // Of what was cut by bytes so many parts are asked for the next time: the writer guesses the end of uncut pages only.
    private const int FitParts = 8;

    // Guesses are followed while at most one page of so many was read in vain.
    private const int PagesOfOneInVain = 8;

    /// <summary>A page of a snapshot has come, and <c>Answered</c> with the same page follows: what lies behind it is asked for
    /// now, so that the writer reads on meanwhile. Nothing that is held changes; a shell may leave this out.</summary>
    /// <param name="id">The request.</param>
    /// <param name="page">What the writer gave.</param>
    /// <param name="effects">Receives the next requests, if there are any to send.</param>
    public void ReadAhead(long id, SnapshotPage page, CollectionEffects<T> effects)
    {
        ArgumentNullException.ThrowIfNull(page);
        if (_isDisposed || _isFull || !page.More) return;
        if (!_outstanding.TryGetValue(id, out var request) || request.Feed is not { } feed) return;
        if (feed.Request != id || request.Sent.Kind != CollectionRequestKind.Snapshot) return;
        if (IsOtherHistory(page.History) || !IsUsable(feed, request.Sent.Snapshot, page)) return;
        var end = page.Envelopes[^1].Key;
        if (feed.Aheads.Count == 0) AskAhead(feed, page.Feed, end, effects);
        if (feed.Aheads is not [{ Asked: var next }] || next.After != end || page.NextEnd is not { } guess) return;
        // The guess is of a page of the limit that this one was asked for with.
        if (next.Limit != request.Sent.Snapshot.Limit || Utf8Order.Instance.Compare(end, guess) >= 0) return;
        if (feed.PagesInVain * PagesOfOneInVain <= feed.PagesTaken) AskAhead(feed, page.Feed, guess, effects);
    }

    private void AskAhead(CollectionFeed<T> feed, FeedId id, SyncedKey after, CollectionEffects<T> effects)
    {
        if (_outstanding.Count >= _rules.RequestsMax) return;
        var request = PageRequest(id, after, LimitOf(feed));
        feed.Aheads.Add(new PageAhead(Send(feed, request, effects), request.Snapshot));
        _outstanding[request.Id].WasAhead = true;
    }

    private static PageAhead? AheadOf(CollectionFeed<T> feed, long id)
    {
        foreach (var ahead in feed.Aheads)
            if (ahead.Id == id) return ahead;
        return null;
    }

    // The page before it is not applied yet: it waits.
    private bool IsEarly(long id, SnapshotPage page)
    {
        if (_rules.Faults.AheadTakenAtOnce || !_outstanding.TryGetValue(id, out var request)) return false;
        if (request.Feed is not { } feed || AheadOf(feed, id) is not { } ahead) return false;
        ahead.Page = page;
        return true;
    }

    // A page was taken: what was asked for behind it is next.
    private void TakeAhead(CollectionFeed<T> feed, CollectionMoment at, CollectionEffects<T> effects)
    {
        if (feed.Aheads is not [var next, ..]) return;
        if (!feed.IsLoading || (next.Asked.After != feed.LoadAfter && !_rules.Faults.GuessTrusted))
        {
            WasInVain(feed);
            return;
        }
        feed.Aheads.RemoveAt(0);
        feed.Request = next.Id;
        if (next.Page is not { } page) return;
        ReadAhead(next.Id, page, effects);
        Answered(next.Id, page, at, effects);
    }

    private void WasInVain(CollectionFeed<T> feed)
    {
        feed.PagesInVain++;
        DropAheads(feed);
    }

    private void DropAheads(CollectionFeed<T> feed)
    {
        foreach (var ahead in feed.Aheads)
        {
            // One whose page waits was answered: nothing else would end it.
            if (ahead.Page is not null) _outstanding.Remove(ahead.Id);
            else _outstanding[ahead.Id].Feed = null;
        }
        feed.Aheads.Clear();
    }

    // Pages that bytes do not cut; larger ones again when records turn out to be much smaller.
    private static void Fit(CollectionFeed<T> feed, SnapshotRequest asked, SnapshotPage page)
    {
        if (!page.More) return;
        var bytes = 0L;
        foreach (var envelope in page.Envelopes) bytes += envelope.Value.Length;
        var count = page.Envelopes.Count;
        if (count < asked.Limit) (feed.PageLimit, feed.PageBytes) = (Math.Max(1, count - (count / FitParts)), bytes);
        else if (bytes < feed.PageBytes / 2) feed.PageLimit = 0;
    }
}
