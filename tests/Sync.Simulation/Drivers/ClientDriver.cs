using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>Draws writes, sends them to whoever may own the feed, and repeats under the same idempotency key what it
/// does not know.</summary>
internal sealed class ClientDriver(World world)
{
    private const int AttemptsMax = 40;
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(700);
    private static readonly string?[] Versions = ["1.0", "1.7", "x", null];
    private long _values;

    /// <summary>Begins the next write of the history.</summary>
    public void Begin()
    {
        var random = world.Random;
        var isAtomic = random.Chance(10);
        var first = random.Pick(world.Keys);
        var hasKey = random.Chance(85);
        var commands = new List<WriteCommand> { Draw(first, hasKey) };
        for (var line = isAtomic ? random.Below(3) : 0; line > 0; line--)
        {
            var key = random.Pick(world.Keys);
            if (key.Vault == first.Vault) commands.Add(Draw(key, hasKey));
        }
        Plan(world.Writes.Begin(commands, isAtomic), TimeSpan.Zero);
        if (!isAtomic && hasKey && random.Chance(4)) Reuse(commands[0]);
    }

    /// <summary>The same idempotency key for another write: at most one of the two may commit.</summary>
    private void Reuse(WriteCommand command) =>
        Plan(world.Writes.Begin([command with { Op = ChangeOp.Put, Value = SimValue.Of(SimValue.Good, ++_values) }],
            isAtomic: false),
            TimeSpan.Zero);

    private void Plan(Write write, TimeSpan delay)
    {
        write.Open++;
        world.Schedule.After(delay, () => Send(write));
    }

    private WriteCommand Draw(SyncedKey key, bool hasKey)
    {
        var random = world.Random;
        var head = world.Ledger.Now.HeadOf(key)?.Sequence ?? Sequence.None;
        var isDelete = random.Chance(15);
        var kind = world.Strikes(FaultKinds.Poison) ? SimValue.Poison
            : world.Strikes(FaultKinds.BadValues) ? SimValue.Unparseable : SimValue.Good;
        return new WriteCommand
        {
            Key = key,
            Op = isDelete ? ChangeOp.Delete : ChangeOp.Put,
            Value = isDelete ? SimValue.Nil : SimValue.Of(kind, ++_values),
            SchemaVersion = new SchemaVersion(world.Strikes(FaultKinds.OtherMajor) ? "2.1" : random.Pick(Versions)),
            Expected = random.Chance(30) ? new Sequence(Math.Max(0, head.Value - random.Below(2))) : null,
            OnlyIfNoLiveRecord = random.Chance(10),
            IdempotencyKey = hasKey ? $"i{++_values}" : null,
        };
    }

    private void Send(Write write)
    {
        var attempt = world.Writes.Try(write);
        var feed = world.FeedOf(write.Commands[0].Key);
        var node = world.Target(feed);
        world.Schedule.After(Latency(), () => node.Enter(() =>
        {
            if (attempt.IsOver && world.Random.Chance(50)) return;
            node.Submit(feed, RequestOf(attempt, node));
        }));
        world.Schedule.After(Timeout, () => Over(attempt));
        // An impatient client sends the same write twice at once.
        if (write.Attempts.Count == 1 && write.Commands[0].IdempotencyKey is not null && world.Random.Chance(8))
            Plan(write, TimeSpan.Zero);
    }

    private SimRequest RequestOf(Attempt attempt, NodeDriver node)
    {
        var commands = new List<WriteCommand>();
        foreach (var command in attempt.Write.Commands)
            commands.Add(command with { Producer = new("sim", attempt.Name) });
        var deadline = world.Schedule.Now + node.Options.WriteTimeout;
        return attempt.Write.IsAtomic
            ? new SimRequest(attempt, commands, deadline, _ => Answered(attempt))
            : new SimRequest(attempt, commands[0], deadline, _ => Answered(attempt));
    }

    // The way back may lose the answer; the writer has emitted it all the same.
    private void Answered(Attempt attempt)
    {
        if (!world.Strikes(FaultKinds.ClientLost)) world.Schedule.After(Latency(), () => Over(attempt));
    }

    private void Over(Attempt attempt)
    {
        if (attempt.IsOver) return;
        attempt.IsOver = true;
        var write = attempt.Write;
        var isRepeatable = write.Commands[0].IdempotencyKey is not null;
        // What is not known is repeated; what was refused for good, and what has its receipt, at times: the answer must
        // be the same.
        var percent = !isRepeatable || write.Attempts.Count >= AttemptsMax ? 0
            : attempt.State is AttemptState.Committed ? 10
            : attempt.State is AttemptState.Refused && !attempt.IsTransient ? 15 : 100;
        if (world.Random.Chance(percent)) Plan(write, world.Random.Between(1, 120));
        write.Open--;
    }

    private TimeSpan Latency() => world.Random.Between(0.1, 3);
}
