using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>A feed that this process owns, as it sees it now.</summary>
/// <param name="Feed">The feed.</param>
/// <param name="Epoch">The lease's epoch.</param>
/// <param name="Committed">Last committed position.</param>
/// <param name="Handed">Last position given to the bus.</param>
/// <param name="Confirmed">Last position that the bus has for certain, with a beat that covers it.</param>
/// <param name="Queued">Writes not answered yet.</param>
public readonly record struct OwnedFeed(
    FeedId Feed, LeaseEpoch Epoch, Position Committed, Position Handed, Position Confirmed, int Queued);

/// <summary>This process began or ceased to own a feed.</summary>
/// <param name="Feed">The feed.</param>
/// <param name="Epoch">The lease's epoch.</param>
/// <param name="IsOwned">True when it began.</param>
public sealed record FeedOwnership(FeedId Feed, LeaseEpoch Epoch, bool IsOwned);
