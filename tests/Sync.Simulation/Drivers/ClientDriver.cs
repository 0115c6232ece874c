using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>Draws writes, sends them to whoever may own the feed, and repeats under the same idempotency key what it
/// does not know.</summary>
internal sealed class ClientDriver(World world)
{
    private const int AttemptsMax = 40;
    private const int CallsMax = 10;
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
        Call(world.Writes.Begin(commands, isAtomic, random), TimeSpan.Zero);
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
        Call(world.Writes.Begin([command], isAtomic: false, random), TimeSpan.Zero);
    }

    /// <summary>The same idempotency key for another write: at most one of the two may commit.</summary>
    private void Reuse(WriteCommand command, SimRandom random) =>
        Call(world.Writes.Begin([command with { Op = ChangeOp.Put, Value = SimValue.Of(SimValue.Good, ++_values) }],
            isAtomic: false, random), TimeSpan.Zero);

    private void Call(Write write, TimeSpan delay)
    {
        write.Calls++;
        Plan(new WriteCall(write), delay);
    }

    private void Plan(WriteCall call, TimeSpan delay)
    {
        call.Write.Open++;
        world.Schedule.After(delay, () => Send(call));
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
            Expected = random.Chance(world.Plan.Conditional) ? Expect(head, random) : null,
            OnlyIfNoLiveRecord = random.Chance(10),
            IdempotencyKey = hasKey ? $"i{++_values}" : null,
        };
    }

    // Mostly the last; at times what it was, or what it will be when a write that is under way has committed.
    private static Sequence Expect(Sequence last, SimRandom random) => random.Chance(8) ? last.Next
        : new Sequence(Math.Max(0, last.Value - random.Below(2)));

    private void Send(WriteCall call)
    {
        var write = call.Write;
        var attempt = world.Writes.Try(write, call);
        var random = write.Random;
        var feed = world.FeedOf(write.Commands[0].Key);
        var node = world.Target(feed, random);
        world.Schedule.After(Way(random), () =>
        {
            if (node.IsClientDeaf) return;
            node.Enter(() =>
            {
                if (attempt.IsOver && random.Chance(25)) return;
                node.Submit(feed, [SimRequest.Of(
                    attempt, world.Schedule.Now + node.Options.WriteTimeout, completion => Answered(attempt, node, completion))]);
            });
        });
        world.Schedule.After(Timeout, () => Over(attempt, null));
        // An impatient client asks for the same write twice at once.
        if (write.Calls == 1 && call.Attempts.Count == 1 && write.IsRepeatable && random.Chance(8)) Call(write, TimeSpan.Zero);
    }

    // The way back may lose the answer; the writer has emitted it all the same.
    private void Answered(Attempt attempt, NodeDriver node, WriteCompletion completion)
    {
        var random = attempt.Write.Random;
        if (node.IsClientMute || world.IsStruck(FaultKinds.ClientLost, random)) return;
        world.Schedule.After(Latency(random), () => Over(attempt, completion));
    }

    // No answer within the time of a request: null.
    private void Over(Attempt attempt, WriteCompletion? answer)
    {
        if (attempt.IsOver) return;
        attempt.IsOver = true;
        var (call, write) = (attempt.Call!, attempt.Write);
        if (Settle(call, answer) is not { } told)
        {
            Plan(call, write.Random.Between(1, 120));
        }
        else
        {
            world.Writes.Told(call, told);
            // What was told is asked for again at times: a receipt must be the same, what is not known may be found out.
            var percent = !write.IsRepeatable || write.Calls >= CallsMax ? 0
                : told is WriteResult.Committed ? 10 : told is WriteResult.Refused ? 15 : 70;
            if (write.Random.Chance(percent)) Call(write, write.Random.Between(1, 120));
        }
        write.Open--;
    }

    // As the client library does: repeated until an answer is final, or it has been enough. Null = it is sent again.
    private WriteResult? Settle(WriteCall call, WriteCompletion? answer)
    {
        var (result, line) = answer is { } given ? SimRequest.ResultOf(given) : (new WriteResult.Unknown("no answer"), 0);
        if (result is WriteResult.Committed) return result;
        if (result is WriteResult.Refused { Refusal: { IsTransient: false } final }) return Refuse(call, final, line);
        call.HasOpenAttempt |= result is WriteResult.Unknown;
        if (call.Write.IsRepeatable && call.Attempts.Count < AttemptsMax) return null;
        return call.HasOpenAttempt ? new WriteResult.Unknown("given up") : result;
    }

    private WriteResult Refuse(WriteCall call, Refusal refusal, int line)
    {
        var isOpen = call.HasOpenAttempt && !world.ModelFaults.ClientForgetsOpenAttempts;
        var told = refusal.ToResult(call.Write.Commands[line], isOpen);
        if (isOpen)
            world.Coverage.Add(told is WriteResult.Unknown
                ? "repeat refused beside an open attempt, told unknown" : "repeat refused beside an open attempt, told refused");
        return told;
    }

    private TimeSpan Way(SimRandom random) =>
        world.IsStruck(FaultKinds.Delay, random) ? random.Between(20, 1500) : Latency(random);

    private static TimeSpan Latency(SimRandom random) => random.Between(0.1, 3);
}
