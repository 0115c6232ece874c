namespace Sync.Client;

/// <summary>What <c>GET /v1/status</c> tells.</summary>
/// <param name="Version">Of the writer's program.</param>
/// <param name="Writer">Name of the writer that answered.</param>
/// <param name="Substrate">Where the ledger is kept.</param>
/// <param name="History">The ledger's history.</param>
/// <param name="Bus">The writer's bus connection.</param>
/// <param name="Feeds">All feeds.</param>
/// <param name="UptimeMs">Milliseconds since the writer that answered was started.</param>
public sealed record WriterStatus(
    string Version, string Writer, string Substrate, long History, WriterBusStatus Bus, IReadOnlyList<WriterFeedStatus> Feeds,
    long UptimeMs = 0);

/// <summary>The bus as the writer sees it.</summary>
/// <param name="Connected">True while it can publish.</param>
public sealed record WriterBusStatus(bool Connected);

/// <summary>One feed.</summary>
/// <param name="Feed">Its number.</param>
/// <param name="Position">Last committed position.</param>
/// <param name="Published">Last position confirmed by the bus, as saved.</param>
/// <param name="PublishLag">Facts committed and not yet confirmed.</param>
/// <param name="Floor">Oldest position kept.</param>
/// <param name="Epoch">Lease epoch.</param>
/// <param name="Owner">Who holds the lease; null = nobody.</param>
/// <param name="LeaseLeftMs">Milliseconds until it expires; 0 or less = expired.</param>
/// <param name="OwnedHere">True when the answering writer is the owner.</param>
public sealed record WriterFeedStatus(
    int Feed, long Position, long Published, long PublishLag, long Floor, long Epoch, string? Owner, long LeaseLeftMs, bool OwnedHere);
