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

    /// <summary>One write that stands alone.</summary>
    /// <param name="feed">The feed of the command's vault.</param>
    /// <param name="command">The write.</param>
    ValueTask<WriteResult> WriteAsync(FeedId feed, WriteCommand command);

    /// <summary>Writes of one request to one feed, each decided for itself, handed over together and answered together.
    /// Writes of one request keep the order of the calls, also when the feed changes its owner.</summary>
    /// <param name="feed">The feed of all the commands' vaults.</param>
    /// <param name="commands">In order; not changed before the call has ended.</param>
    /// <param name="route">Shared by all writes of the request to the feed.</param>
    /// <returns>The results, parallel to the commands.</returns>
    ValueTask<IReadOnlyList<WriteResult>> WriteAllAsync(
        FeedId feed, IReadOnlyList<WriteCommand> commands, WriteRoute route);

    /// <summary>All or nothing.</summary>
    ValueTask<AtomicResult> WriteAtomicAsync(IReadOnlyList<WriteCommand> commands);
}
