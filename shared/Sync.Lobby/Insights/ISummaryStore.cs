using Sync.Client;
using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>Where summaries are kept: the writer, or a model of it.</summary>
public interface ISummaryStore
{
    /// <summary>The live record of a key; null when there is none.</summary>
    /// <exception cref="SyncException">No answer, or an error; transient ones say so.</exception>
    Task<Envelope?> GetAsync(SyncedKey key, CancellationToken cancellation = default);

    /// <summary>Commits one conditional write and says which of the three outcomes it had.</summary>
    Task<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation = default);
}

/// <summary>Summaries through the writers that a client knows.</summary>
/// <param name="client">Stays the caller's.</param>
public sealed class WriterSummaryStore(SyncClient client) : ISummaryStore
{
    /// <inheritdoc/>
    public Task<Envelope?> GetAsync(SyncedKey key, CancellationToken cancellation = default) =>
        client.Writer.GetAsync(key, cancellation);

    /// <inheritdoc/>
    public Task<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation = default) =>
        client.WriteAsync(command, cancellation);
}
