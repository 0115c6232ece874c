using Sync.Contracts;
using Sync.Ledger;
using Sync.Writer.Engine;

namespace Sync.Writer;

/// <summary>Where the front doors put writes. What a caller or another process did is in the result, not thrown. A
/// write cannot be taken back, so there is no cancellation; every write is answered before its deadline.</summary>
internal interface IWrites
{
    /// <summary>The feed of a vault.</summary>
    /// <exception cref="SyncException">The ledger cannot be asked.</exception>
    ValueTask<FeedId> FeedOfAsync(string vault, CancellationToken cancellation);

    /// <summary>One write. While a feed keeps its owner, its writes keep the order of the calls.</summary>
    /// <param name="feed">The feed of the command's vault.</param>
    /// <param name="command">The write.</param>
    /// <param name="route">Shared by the writes of one request to the feed; null = this one stands alone.</param>
    ValueTask<WriteResult> WriteAsync(FeedId feed, WriteCommand command, WriteRoute? route = null);

    /// <summary>The writes of one request to one feed, each decided for itself, handed over together and answered
    /// together.</summary>
    /// <param name="feed">The feed of all the commands' vaults.</param>
    /// <param name="commands">In order.</param>
    /// <param name="order">Shared by all writes of the request to the feed. A call begins when the one before has
    /// ended.</param>
    /// <returns>The results, parallel to the commands.</returns>
    ValueTask<IReadOnlyList<WriteResult>> WriteAllAsync(
        FeedId feed, IReadOnlyList<WriteCommand> commands, WriteOrder order);

    /// <summary>All or nothing.</summary>
    ValueTask<AtomicResult> WriteAtomicAsync(IReadOnlyList<WriteCommand> commands);
}
