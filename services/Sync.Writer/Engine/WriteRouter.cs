using System.Runtime.CompilerServices;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Writer.Bus;

namespace Sync.Writer.Engine;

/// <summary>Takes each write to the owner of its feed: this process, or another one over the bus. Holds no
/// state.</summary>
internal sealed class WriteRouter(WriterEngine engine, ForwardLanes forwards) : IWrites
{
    public ValueTask<FeedId> FeedOfAsync(string vault, CancellationToken cancellation) =>
        engine.Store.FeedOfAsync(vault, cancellation);

    public ValueTask<WriteResult> WriteAsync(FeedId feed, WriteCommand command)
    {
        if (engine.NodeIfOpen is not { } node) return ValueTask.FromResult<WriteResult>(new WriteResult.Refused(NotOpen));
        return node.Owns(feed) ? WriteHereAsync(node, feed, command) : forwards.WriteAsync(feed, command, null);
    }

    // Writes that their owner lost are not forwarded: later ones of their keys may be in the same queue.
    public async ValueTask<IReadOnlyList<WriteResult>> WriteAllAsync(
        FeedId feed, IReadOnlyList<WriteCommand> commands, WriteRoute route)
    {
        if (engine.NodeIfOpen is not { } node)
        {
            var refused = new WriteResult.Refused(NotOpen);
            foreach (var command in commands) route.Order.Note(command.Key, refused);
            return [.. Enumerable.Repeat(refused, commands.Count)];
        }
        var isHere = route.Enter(node.Owns(feed));
        try
        {
            // Each is in the lane's queue when its call returns, so they go in their order.
            return isHere
                ? await node.WriteAllAsync(feed, commands, route.Order)
                : await Task.WhenAll(commands.Select(command => forwards.WriteAsync(feed, command, route.Order).AsTask()));
        }
        finally
        {
            route.Leave();
        }
    }

    public async ValueTask<AtomicResult> WriteAtomicAsync(IReadOnlyList<WriteCommand> commands)
    {
        var feed = await FeedOfAsync(commands[0].Key.Vault, CancellationToken.None);
        for (var index = 1; index < commands.Count; index++)
        {
            var other = await FeedOfAsync(commands[index].Key.Vault, CancellationToken.None);
            if (other != feed)
                return new AtomicResult.Refused(index, new Refusal(
                    RefusalCode.InvalidBatch,
                    $"Its vault is in feed {other}, the lines before in feed {feed}; an atomic batch has one feed."));
        }
        if (engine.Node.Owns(feed))
        {
            var here = await engine.Node.WriteAtomicAsync(commands);
            if (here is not AtomicResult.Refused { Refusal.Code: RefusalCode.NoOwner }) return here;
        }
        return await forwards.WriteAtomicAsync(feed, commands);
    }

    private static Refusal NotOpen { get; } =
        new(RefusalCode.LedgerUnavailable, "The ledger is not open yet. Repeat the request later.");

    // The owner's queue has the write when this returns; a feed lost in between refuses with certainty, so forwarding
    // is safe.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<WriteResult> WriteHereAsync(LedgerNode node, FeedId feed, WriteCommand command)
    {
        var result = await node.WriteAsync(feed, command);
        return result is WriteResult.Refused { Refusal.Code: RefusalCode.NoOwner }
            ? await forwards.WriteAsync(feed, command, null)
            : result;
    }
}
