using System.Diagnostics;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Transport;

namespace Sync.Benchmarks.Way;

/// <summary>A replica in a process of its own: it writes to a board when each sequence of the followed key became
/// visible.
/// <code>follow --nats URL --writer URL --key NUMBER --board FILE</code></summary>
internal static class Follower
{
    public static async Task<int> RunAsync(string[] args)
    {
        using var board = Board.Open(Arguments.Required(args, "--board"));
        var options = new SyncClientOptions { Writers = [Arguments.Required(args, "--writer")], Producer = "bench:follower" };
        await using var client = new SyncClient(options, new BusOptions { Url = Arguments.Required(args, "--nats") });
        await using var replica = await client.ReplicaAsync(new ReplicaOptions<ReadOnlyMemory<byte>>
        {
            Key = Records.Key(Arguments.Number(args, "--key", 0)),
            Schema = SyncSchema.Raw,
        });
        using var changes = replica.Changes.Subscribe(new Watcher(board));
        await replica.WhenIdleAsync();
        Console.WriteLine("ready");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    private sealed class Watcher(Board board) : IObserver<ReplicaChange<ReadOnlyMemory<byte>>>
    {
        public void OnNext(ReplicaChange<ReadOnlyMemory<byte>> value)
        {
            var now = Stopwatch.GetTimestamp();
            if (value.Metadata.Sequence > Sequence.None && board[value.Metadata.Sequence.Value] == 0)
                board[value.Metadata.Sequence.Value] = now;
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error) => Console.Error.WriteLine(error);
    }
}
