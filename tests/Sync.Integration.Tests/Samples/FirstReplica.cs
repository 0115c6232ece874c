using System.Text.Json.Serialization;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Transport;

namespace Sync.Integration.Tests.Samples;

internal sealed record User(string Name, int Age);

[JsonSerializable(typeof(User))]
internal sealed partial class SampleJson : JsonSerializerContext;

internal sealed class Printer : IObserver<ReplicaChange<User>>
{
    public List<User?> Seen { get; } = [];

    public void OnNext(ReplicaChange<User> value) => Seen.Add(value.Value);

    public void OnError(Exception error) => throw error;

    public void OnCompleted() => Seen.Add(null);
}

/// <summary>The C# example of the README, as it stands there between the markers.</summary>
internal static class FirstReplica
{
    public static async Task<User?> RunAsync(SyncClientOptions writer, BusOptions broker)
    {
        // README
        var schemas = new SyncSchemas().Add(SyncSchema.Json(SampleJson.Default.User, new("1.0")));
        await using var sync = new SyncClient(writer, broker, schemas);

        await using var replica = await sync.ReplicaAsync<User>("acme", "user", "123");
        using var printing = replica.Changes.Subscribe(new Printer());

        Receipt receipt = await sync.PutAsync("acme", "user", "123", new User("Ada", 36));
        await replica.WaitForAsync(receipt.At);             // read your own write
        User? now = replica.Value;                           // Ada

        await sync.PutAsync("acme", "user", "123", now! with { Age = 37 }, expected: replica.Sequence);
        // README
        return now;
    }
}
