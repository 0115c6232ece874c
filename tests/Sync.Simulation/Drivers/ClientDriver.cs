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

    /// <summary>A write of a record, or an atomic list of writes.</summary>
    public void Write(SimRandom random)
    {
        var isAtomic = random.Chance(10);
        var first = random.Pick(world.Keys);
        var hasKey = random.Chance(world.Plan.Repeatable);
        var commands = new List<WriteCommand> { Draw(first, hasKey, random) };
        for (var line = isAtomic ? random.Below(3) : 0; line > 0; line--)
        {
            var key = random.Pick(world.Keys);
            if (key.Vault == first.Vault) commands.Add(Draw(key, hasKey, random));
        }
        Plan(world.Writes.Begin(commands, isAtomic, random), TimeSpan.Zero);
        if (!isAtomic && hasKey && random.Chance(4)) Reuse(commands[0], random);
    }

    /// <summary>An event, mostly without a key; now and then under one that may be taken, or to a collection of
    /// records, which refuses it.</summary>
    public void Append(SimRandom random)
    {
        var key = random.Chance(70) ? "" : $"e{random.Below(60)}";
        var vault = random.Pick(Simulation.Plan.Vaults);
        // The first write of a collection would declare it.
        var isWrong = random.Chance(5) && world.Ledger.Now.LastOf(vault, "a") > Position.Start;
        var command = new WriteCommand
        {
            Key = new(vault, isWrong ? "a" : Simulation.Plan.Log, key),
            Op = ChangeOp.Append,
            Value = SimValue.Of(SimValue.Good, ++_values),
            SchemaVersion = new SchemaVersion("1.0"),
            IdempotencyKey = random.Chance(90) ? $"i{++_values}" : null,
        };
        Plan(world.Writes.Begin([command], isAtomic: false, random), TimeSpan.Zero);
    }

    /// <summary>The same idempotency key for another write: at most one of the two may commit.</summary>
    private void Reuse(WriteCommand command, SimRandom random) =>
        Plan(world.Writes.Begin([command with { Op = ChangeOp.Put, Value = SimValue.Of(SimValue.Good, ++_values) }],
            isAtomic: false, random), TimeSpan.Zero);

    private void Plan(Write write, TimeSpan delay)
    {
        write.Open++;
        world.Schedule.After(delay, () => Send(write));
    }

    private WriteCommand Draw(SyncedKey key, bool hasKey, SimRandom random)
    {
        var head = world.Ledger.Now.HeadOf(key)?.Sequence ?? Sequence.None;
        var isDelete = random.Chance(15);
        var kind = world.IsStruck(FaultKinds.Poison, random) ? SimValue.Poison
            : world.IsStruck(FaultKinds.BadValues, random) ? SimValue.Unparseable : SimValue.Good;
        return new WriteCommand
        {
            Key = key,
            Op = isDelete ? ChangeOp.Delete : ChangeOp.Put,
            Value = isDelete ? SimValue.Nil : SimValue.Of(kind, ++_values),
            SchemaVersion = new SchemaVersion(
                world.IsStruck(FaultKinds.OtherMajor, random) ? "2.1" : random.Pick(Versions)),
            Expected = random.Chance(world.Plan.Conditional) ? new Sequence(Math.Max(0, head.Value - random.Below(2))) : null,
            OnlyIfNoLiveRecord = random.Chance(10),
            IdempotencyKey = hasKey ? $"i{++_values}" : null,
        };
    }

    private void Send(Write write)
    {
        var attempt = world.Writes.Try(write);
        var random = write.Random;
        var feed = world.FeedOf(write.Commands[0].Key);
        var node = world.Target(feed, random);
        world.Schedule.After(Latency(random), () =>
        {
            if (node.IsClientDeaf) return;
            node.Enter(() =>
            {
                if (attempt.IsOver && random.Chance(50)) return;
                node.Submit(feed, [RequestOf(attempt, node)]);
            });
        });
        world.Schedule.After(Timeout, () => Over(attempt));
        // An impatient client sends the same write twice at once.
        if (write.Attempts.Count == 1 && write.Commands[0].IdempotencyKey is not null && random.Chance(8))
            Plan(write, TimeSpan.Zero);
    }

    private SimRequest RequestOf(Attempt attempt, NodeDriver node)
    {
        var commands = new WriteCommand[attempt.Write.Commands.Count];
        for (var index = 0; index < commands.Length; index++)
            commands[index] = attempt.Write.Commands[index] with
            {
                Producer = new("sim", attempt.Name),
                IdempotencyKey = attempt.KeyOf(attempt.Write.Commands[index]),
            };
        var deadline = world.Schedule.Now + node.Options.WriteTimeout;
        return attempt.Write.IsAtomic
            ? new SimRequest(attempt, commands, deadline, _ => Answered(attempt, node))
            : new SimRequest(attempt, commands[0], deadline, _ => Answered(attempt, node));
    }

    // The way back may lose the answer; the writer has emitted it all the same.
    private void Answered(Attempt attempt, NodeDriver node)
    {
        var random = attempt.Write.Random;
        if (node.IsClientMute || world.IsStruck(FaultKinds.ClientLost, random)) return;
        world.Schedule.After(Latency(random), () => Over(attempt));
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
        if (write.Random.Chance(percent)) Plan(write, write.Random.Between(1, 120));
        write.Open--;
    }

    private static TimeSpan Latency(SimRandom random) => random.Between(0.1, 3);
}
