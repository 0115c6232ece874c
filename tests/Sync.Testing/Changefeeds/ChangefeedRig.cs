using Sync.Contracts;

namespace Sync.Testing.Changefeeds;

/// <summary>A changefeed and a way to commit to its ledger, which has one feed.</summary>
public abstract class ChangefeedRig : IAsyncDisposable
{
    /// <summary>The one under test.</summary>
    public abstract IChangefeed Changefeed { get; }

    /// <summary>Commits.</summary>
    public abstract Task<Receipt> WriteAsync(WriteCommand command);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>Commits a value, by default nil's neighbour: the integer 1.</summary>
    public Task<Receipt> PutAsync(string key, byte[]? value = null, string vault = "acme", string collection = "user") =>
        WriteAsync(new WriteCommand
        {
            Key = new SyncedKey(vault, collection, key),
            Op = ChangeOp.Put,
            Value = value ?? [1],
        });

    /// <summary>Commits many, in order.</summary>
    public async Task<IReadOnlyList<Receipt>> PutManyAsync(int count, string prefix = "k")
    {
        var receipts = new List<Receipt>(count);
        for (var index = 0; index < count; index++) receipts.Add(await PutAsync($"{prefix}{index}"));
        return receipts;
    }

    /// <summary>Begins to read.</summary>
    public FeedRun Read(FeedRequest request) => new(Changefeed, request);
}
