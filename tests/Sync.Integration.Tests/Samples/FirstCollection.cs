using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Transport;

namespace Sync.Integration.Tests.Samples;

internal sealed class ChangePrinter : IObserver<CollectionChange<User>>
{
    private readonly TaskCompletionSource<User?> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<User?> First => _first.Task;

    public void OnNext(CollectionChange<User> value) => _first.TrySetResult(value.Value);

    public void OnError(Exception error) => _first.TrySetException(error);

    public void OnCompleted() => _first.TrySetCanceled();
}

/// <summary>The example of the README for whole collections, as it stands there between the markers.</summary>
internal static class FirstCollection
{
    public static async Task<(string Adult, User? Shown, User? First)> RunAsync(SyncClientOptions writer, BusOptions broker)
    {
        var schemas = new SyncSchemas().Add(SyncSchema.Json(SampleJson.Default.User, new("1.0")));
        await using var sync = new SyncClient(writer, broker, schemas);
        var printer = new ChangePrinter();
        // README
        await using var users = await sync.CollectionAsync<User>("acme", "user");
        await users.WhenLoadedAsync();
        using var printing = users.Changes.Subscribe(printer); // in order, from here on

        await sync.PutAsync("acme", "user", "122", new User("Tim", 7));
        Receipt receipt = await sync.PutAsync("acme", "user", "123", new User("Ada", 36));
        await users.WaitForAsync(receipt.At);               // read your own write
        var adults = users.Query(user => user.Value.Age >= 18);

        ICell<User> shown = users.Cell(adults[0].Key);      // follows its key while somebody holds it
        // README
        return (adults.Single().Key.Key, shown.Peek(), await printer.First.WaitAsync(TimeSpan.FromSeconds(30)));
    }
}
