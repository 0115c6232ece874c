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

    // The heads come first: what is committed after them is followed, what was before them is in the lists.
    private async Task<IReadOnlyList<FeedPosition>> CompareAsync(CancellationToken cancellation)
    {
        var heads = await _scan.HeadsAsync(cancellation).ConfigureAwait(false);
        if (_faults.CursorsApart is { Count: > 0 } apart) heads = [.. heads.Select(head => apart.TryGetValue(head.Feed, out var at) ? at : head)];
        lock (_gate)
        {
            _isCompared = false;
            _core.Restarted(heads[0].History);
            _shards.Clear();
            _cursors.Clear();
            foreach (var head in heads) _cursors[head.Feed] = head;
        }
        foreach (var collection in _collections)
        {
            var shards = await _scan.ShardsAsync(collection, cancellation).ConfigureAwait(false);
            if (shards.Values.FirstOrDefault(last => last.History != heads[0].History) is { History.Value: > 0 })
                throw new SyncException(SyncErrorCode.NoAnswer, "the ledger's history changed while its shards were listed", true);
            await CompareAsync(collection, shards, cancellation).ConfigureAwait(false);
        }
        lock (_gate)
        {
            _isCompared = true;
            _troubles.Clear();
            _counts = _counts with { Compared = _counts.Compared + 1 };
            Check();
        }
        Wake();
        return heads;
    }

    private async Task CompareAsync(string collection, Dictionary<string, FeedPosition> shards, CancellationToken cancellation)
    {
        foreach (var derivation in _derivations.Where(one => one.SourceCollection == collection))
        {
            var summaries = await _scan.SummariesAsync(derivation, cancellation).ConfigureAwait(false);
            lock (_gate)
            {
                foreach (var (vault, last) in shards)
                {
                    _shards.Add(vault);
                    var summary = summaries.GetValueOrDefault(Names.Split(vault).Partition!);
                    if (_faults.CursorsApart is not { Count: > 0 } && !GroupScan.IsCurrent(summary, derivation, vault, last))
                        _core.Changed(new ShardSource(vault, collection), last);
                }
            }
            Wake();
        }
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
            if (_faults.CursorsApart is { } apart) apart[item.At.Feed] = item.At;
            if (item is FeedEvent.Change { Envelope: var envelope })
            {
                _counts = _counts with { Changes = _counts.Changes + 1 };
                var vault = envelope.Key.Vault;
                // A new shard has a summary of every derivation, also of collections that it does not have yet.
                var touched = _shards.Add(vault) ? _collections : _collections.Where(one => one == envelope.Key.Collection);
                foreach (var collection in touched) _core.Changed(new ShardSource(vault, collection), item.At);
            }
            _cursors[item.At.Feed] = item.At;
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
