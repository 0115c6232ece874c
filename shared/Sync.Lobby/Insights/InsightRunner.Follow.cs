using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>The side that watches: compare everything, then follow every feed until one of them cannot be
/// continued.</summary>
public sealed partial class InsightRunner
{
    // What was in trouble is named by its feed, or this.
    private const int Comparing = -1;

    private async Task FollowAsync()
    {
        for (var failures = 0; !_stop.IsCancellationRequested;)
        {
            try
            {
                var start = await CompareAsync(_stop.Token).ConfigureAwait(false);
                failures = 0;
                await FollowFeedsAsync(start).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
            }
            catch (Exception error)
            {
                await PauseAsync(Comparing, "comparing shards and summaries", error, failures++, _stop.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task<IReadOnlyList<FeedPosition>> CompareAsync(CancellationToken cancellation)
    {
        var start = await _comparison.RunAsync(Wake, cancellation).ConfigureAwait(false);
        lock (_gate)
        {
            _troubles.Clear();
            _counts = _counts with { Compared = _counts.Compared + 1 };
            Check();
        }
        Wake();
        return start;
    }

    private async Task FollowFeedsAsync(IReadOnlyList<FeedPosition> start)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var feeds = start.Select(cursor => Task.Run(() => FollowFeedAsync(cursor, end.Token), end.Token)).ToList();
        await Task.WhenAny(feeds).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(feeds).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // Returns when the feed cannot be continued: everything is compared anew then.
    private async Task FollowFeedAsync(FeedPosition cursor, CancellationToken cancellation)
    {
        var filter = new FeedFilter(cursor.Feed, _group.Name);
        for (var failures = 0; ;)
        {
            try
            {
                await foreach (var item in _changefeed.ReadAsync(new FeedRequest(filter, cursor), cancellation).ConfigureAwait(false))
                {
                    if (item is FeedEvent.Reset or FeedEvent.Dropped)
                    {
                        LobbyLog.Restarted(_group.Log, Group, cursor.Feed.Value, item.GetType().Name);
                        return;
                    }
                    (cursor, failures) = (item.At, 0);
                    Take(item);
                }
            }
            catch (Exception error) when (error is not OperationCanceledException || !cancellation.IsCancellationRequested)
            {
                await PauseAsync(cursor.Feed.Value, $"following feed {cursor.Feed}", error, failures++, cancellation).ConfigureAwait(false);
            }
        }
    }

    private void Take(FeedEvent item)
    {
        lock (_gate)
        {
            if (item is FeedEvent.Change) _counts = _counts with { Changes = _counts.Changes + 1 };
            _core.Take(item);
            _troubles.Remove(item.At.Feed.Value);
            Check();
        }
        if (item is FeedEvent.Change) Wake();
    }

    private async Task PauseAsync(int source, string what, Exception error, int failures, CancellationToken cancellation)
    {
        var (least, most) = (_group.Options.RetryDelayMin, _group.Options.RetryDelayMax);
        var delay = least * Math.Pow(2, Math.Min(failures, 20));
        if (delay > most) delay = most;
        LobbyLog.FollowFailed(_group.Log, Group, what, delay, error.Message);
        lock (_gate)
        {
            _troubles[source] = $"{what}: {error.Message}";
            _counts = _counts with { FollowFailures = _counts.FollowFailures + 1 };
        }
        await Task.Delay(delay, _group.Time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
