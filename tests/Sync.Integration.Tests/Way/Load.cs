using System.Collections.Concurrent;
using System.Text;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Integration.Tests.Way;

/// <summary>Producers that write and delete keys until told to stop, and the log of what each was told: what the checks start from.</summary>
internal sealed class Load(SyncClient client, IReadOnlyList<SyncedKey> keys, int seed)
{
    private static readonly byte[] Nil = [0xc0];
    private readonly ConcurrentBag<(WriteCommand Command, WriteResult Result)> _log = [];
    private readonly CancellationTokenSource _stop = new();
    private Task[] _producers = [];
    private int _committed;

    public IReadOnlyCollection<(WriteCommand Command, WriteResult Result)> Log => _log;

    public int Committed => Volatile.Read(ref _committed);

    public void Start(int producers) =>
        _producers = [.. Enumerable.Range(0, producers).Select(number => Task.Run(() => ProduceAsync(number)))];

    /// <summary>Waits until so many more writes are committed.</summary>
    public async Task AdvanceAsync(int writes)
    {
        var until = Committed + writes;
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var most = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Committed < until) await tick.WaitForNextTickAsync(most.Token);
    }

    /// <summary>Lets every producer finish the write it awaits.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_producers);
    }

    /// <summary>What was told against what is there: acknowledged facts are there as told, refused ones are not, keys committed once.</summary>
    public void Check(IReadOnlyList<Fact> facts)
    {
        var byKey = facts.Where(fact => fact.IdempotencyKey is not null)
            .ToLookup(fact => fact.IdempotencyKey!, StringComparer.Ordinal);
        foreach (var (command, result) in _log)
        {
            var there = byKey[command.IdempotencyKey!].ToList();
            there.Count.ShouldBeLessThanOrEqualTo(1, $"{command.Key} was committed twice under one idempotency key");
            switch (result)
            {
                case WriteResult.Committed(var receipt, _):
                    there.Count.ShouldBe(1, $"{command.Key} was acknowledged at {receipt.At} and is lost");
                    (there[0].Id, there[0].Sequence, there[0].Position).ShouldBe((receipt.FactId, receipt.Sequence, receipt.Position));
                    there[0].ValueHash.ShouldBe(Hash256.Of(command.Value.Span));
                    break;
                case WriteResult.Refused:
                    there.ShouldBeEmpty($"{command.Key} was refused and is there");
                    break;
            }
        }
    }

    private async Task ProduceAsync(int number)
    {
        var random = new Random(seed + number);
        for (var count = 0; !_stop.IsCancellationRequested; count++)
        {
            var key = keys[random.Next(keys.Count)];
            var delete = random.Next(10) == 0;
            var value = delete
                ? Nil
                : JsonTranscoder.ToMsgPack(Encoding.UTF8.GetBytes($$"""{"producer":{{number}},"count":{{count}},"text":"{{new string('x', random.Next(150))}}"}"""), out _)!;
            var command = new WriteCommand
            {
                Key = key,
                Op = delete ? ChangeOp.Delete : ChangeOp.Put,
                Value = value,
                IdempotencyKey = $"load-{seed}-{number}-{count}",
            };
            var result = await client.WriteAsync(command);
            _log.Add((command, result));
            if (result is WriteResult.Committed) Interlocked.Increment(ref _committed);
        }
    }
}
