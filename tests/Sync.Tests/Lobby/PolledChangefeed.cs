using System.Runtime.CompilerServices;
using Sync.Contracts;

namespace Sync.Tests.Lobby;

/// <summary>A changefeed made of repeated questions for the changes behind the cursor.</summary>
/// <param name="source">Who answers.</param>
/// <param name="pause">Between two questions when there was nothing new; at least 1 ms.</param>
/// <param name="time">Of the pause.</param>
internal sealed class PolledChangefeed(ICollectionSource source, TimeSpan pause, TimeProvider time) : IChangefeed
{
    private const int PageChanges = 1000;

    /// <inheritdoc/>
    public async IAsyncEnumerable<FeedEvent> ReadAsync(
        FeedRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var filter = request.Filter;
        if (request.After is not { } cursor) throw new SyncException(SyncErrorCode.Invalid, "a polled changefeed goes on from a cursor; give one");
        var scope = filter.Group is { } group
            ? SyncedPattern.OfGroup(group, filter.Collection)
            : new SyncedPattern(null, filter.Vault, filter.Collection);
        while (true)
        {
            var page = await source
                .ChangesAsync(scope, new ChangesRequest(cursor.Feed, cursor.Position, PageChanges), cancellation);
            if (WhyReset(page, cursor) is { } reason)
            {
                cursor = new FeedPosition(page.Feed, page.History, page.Position);
                yield return new FeedEvent.Reset(reason, cursor);
                continue;
            }
            foreach (var change in page.Envelopes) yield return new FeedEvent.Change(change);
            if (page.Through > cursor.Position) yield return new FeedEvent.Reached(cursor = cursor with { Position = page.Through });
            if (page.Through >= page.Position) await PauseAsync(cancellation);
        }
    }

    private async Task PauseAsync(CancellationToken cancellation)
    {
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var timer = time.CreateTimer(_ => over.TrySetResult(), null, pause, Timeout.InfiniteTimeSpan);
        await over.Task.WaitAsync(cancellation);
    }

    private static ResetReason? WhyReset(ChangesPage page, FeedPosition cursor)
    {
        if (page.History != cursor.History) return ResetReason.OtherHistory;
        if (page.Position < cursor.Position) return ResetReason.Ahead;
        return page.Floor > cursor.Position.Next ? ResetReason.Expired : null;
    }
}
