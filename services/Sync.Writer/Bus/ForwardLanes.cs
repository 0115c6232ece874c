using Sync.Contracts;
using Sync.Ledger;
using Sync.Writer.Engine;

namespace Sync.Writer.Bus;

/// <summary>Writes whose feed another process owns. Each feed has one lane that sends what waits as one request, one
/// at a time, so a feed's forwarded writes keep their order and batch by themselves. Full-policy: a further write is
/// refused (overloaded). Lanes are made at their first use; the array's slots are set once.</summary>
internal sealed class ForwardLanes(WriterEngine engine, WriterOptions options, TimeProvider time, Random random,
    ILoggerFactory loggers)
    : IAsyncDisposable
{
    private readonly ForwardLane?[] _lanes = new ForwardLane?[Feeds.CountMax];

    public async ValueTask<WriteResult> WriteAsync(FeedId feed, WriteCommand command, WriteOrder? order)
    {
        var results = await PostAsync(feed, [command], isAtomic: false, order);
        return results[0];
    }

    public async ValueTask<AtomicResult> WriteAtomicAsync(FeedId feed, IReadOnlyList<WriteCommand> commands) =>
        ForwardedWrite.ToAtomic(await PostAsync(feed, commands, isAtomic: true, null));

    public async ValueTask DisposeAsync()
    {
        foreach (var lane in _lanes)
            if (lane is not null) await lane.DisposeAsync();
    }

    private Task<IReadOnlyList<WriteResult>> PostAsync(
        FeedId feed, IReadOnlyList<WriteCommand> commands, bool isAtomic, WriteOrder? order)
    {
        var write = new ForwardedWrite(commands, isAtomic, SteadyNow() + options.OwnerTimeout, order);
        if (!LaneOf(feed).TryPost(write))
            write.Complete(new WriteResult.Refused(new Refusal(
                RefusalCode.Overloaded,
                    "Too many writes wait to be forwarded to the feed's owner. Repeat it later.")));
        return write.Answer;
    }

    private ForwardLane LaneOf(FeedId feed)
    {
        ref var slot = ref _lanes[feed.Value];
        if (Volatile.Read(ref slot) is { } lane) return lane;
        var made = new ForwardLane(feed, engine, options, time, random, loggers.CreateLogger<ForwardLane>());
        if (Interlocked.CompareExchange(ref slot, made, null) is { } other) return other;
        made.Start();
        return made;
    }

    private TimeSpan SteadyNow() => time.GetElapsedTime(0);
}
