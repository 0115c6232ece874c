using System.Buffers;
using System.Net;
using Shouldly;
using Sync.Access;
using Sync.Contracts;
using Sync.Ledger;
using Sync.MessagePack;
using Sync.Testing.Ledger;
using Sync.Testing.Nats;
using Sync.Testing.Postgres;
using Sync.Transport;
using Sync.Writer.Engine;
using Xunit;

namespace Sync.Integration.Tests.Writer;

public sealed class ForwardingTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_writer_that_owns_nothing_hands_writes_to_the_owner_and_takes_over_when_it_goes()
    {
        var database = await (await postgres.ServerAsync()).CreateDatabaseAsync("forwarding");
        await using var broker = await NatsServer.StartAsync();
        string[] settings =
            [$"Postgres:ConnectionString={database}", $"Postgres:MigratorConnectionString={database}",
                $"Nats:Url={broker.Url}"];
        var owner = await WriterUnderTest.StartAsync(null, settings);
        await using var other = await WriterUnderTest.StartAsync(null, settings);
        (await OwnedAsync(owner)).ShouldBe(8);
        (await OwnedAsync(other)).ShouldBe(0);

        var put = await other.PutAsync("/v1/vaults/acme/c/a", """{"v":1}""", ("Idempotency-Key", "one"));
        put.Status.ShouldBe(HttpStatusCode.Created, put.Text);
        (await owner.GetAsync("/v1/vaults/acme/c/a")).Number("sequence").ShouldBe(1);
        (await owner.PutAsync("/v1/vaults/acme/c/a", """{"v":1}""", ("Idempotency-Key", "one")))
            .Header("Sync-Replayed").ShouldBe("true");
        var refused = await other.PutAsync("/v1/vaults/acme/c/a", "2", ("If-Match", "\"9\""));
        refused.Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        refused.Json.GetProperty("current").GetProperty("value").GetRawText().ShouldBe("""{"v":1}""");

        var batch = await other.BatchAsync(string.Concat(Enumerable.Range(0, 1200).Select(index =>
            $$"""{"vault":"acme","collection":"c","key":"k{{index % 3}}","value":{{index}}}""" + "\n")));
        batch.Lines.Select(line => line.GetProperty("sequence").GetInt64())
            .ShouldBe(Enumerable.Range(0, 1200).Select(index => index / 3 + 1L));
        var atomic = await other.BatchAsync(
            """{"vault":"acme","collection":"c","key":"x","value":1}""" + "\n"
            + """{"vault":"acme","collection":"c","key":"a","value":1,"expected":9}""" + "\n", "?atomic=true");
        atomic.Problem.ShouldBe("expected-sequence-differs");
        atomic.Number("line").ShouldBe(2);
        (await other.BatchAsync("""{"vault":"acme","collection":"c","key":"x","value":1}""", "?atomic=true"))
            .Lines.Single().GetProperty("sequence").GetInt64().ShouldBe(1);

        // What does not fit a message is refused before it is sent, not lost on the way.
        var large = string.Concat(Enumerable.Range(0, 4).Select(index =>
            $$"""{"vault":"acme","collection":"c","key":"large{{index}}","value":"{{new string('x', 400_000)}}"}""" + "\n"));
        (await other.BatchAsync(large, "?atomic=true")).Problem.ShouldBe("invalid-batch");
        (await owner.BatchAsync(large, "?atomic=true")).Lines.Count.ShouldBe(4);

        await owner.DisposeAsync();
        var after = await other.PutAsync("/v1/vaults/acme/c/a", "3", ("Idempotency-Key", "two"));
        after.Number("sequence").ShouldBe(2);
        await WriterUnderTest.UntilAsync(async () => await OwnedAsync(other) == 8);
    }

    [Fact]
    public async Task Without_an_owner_before_the_deadline_a_write_is_refused_and_told_when_to_come_back()
    {
        await using var system = await LeasedAwayAsync();
        await using var writer = await WriterUnderTest.StartAsync(system.Parts, "Writer:OwnerTimeout=00:00:00.5");
        var refused = await writer.PutAsync("/v1/vaults/acme/c/a", "1");
        refused.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        refused.Problem.ShouldBe("no-owner");
        refused.Header("Retry-After").ShouldBe("1");
        var batch = await writer.BatchAsync("""{"vault":"acme","collection":"c","key":"a","value":1}""");
        Answer.ProblemOf(batch.Lines.Single()).ShouldBe("no-owner");
    }

    [Fact]
    public async Task A_write_that_is_lost_on_the_way_has_an_unknown_outcome()
    {
        await using var system = await LeasedAwayAsync();
        var silence = new TaskCompletionSource<BusReply>();
        await using var mute = await system.Bus.ServeAsync(
            "sync.own.*", Subjects.WriterQueueGroup, (_, cancellation) => new(silence.Task.WaitAsync(cancellation)),
            new ServeOptions { DrainTimeout = TimeSpan.Zero });
        await using var writer = await WriterUnderTest.StartAsync(system.Parts, "Writer:OwnerTimeout=00:00:00.5");
        var lost = await writer.PutAsync("/v1/vaults/acme/c/a", "1");
        lost.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        lost.Problem.ShouldBe("unknown-outcome");
        lost.Json.GetProperty("detail").GetString()!.ShouldContain("same Idempotency-Key");
        lost.Header("Retry-After").ShouldNotBeNull();
    }

    [Fact]
    public async Task A_repeat_that_is_refused_for_a_passing_reason_does_not_deny_the_attempt_that_was_lost()
    {
        await using var system = await LeasedAwayAsync();
        await using var owner = await FirstLostAsync(
            system, Refused(new Refusal(RefusalCode.Overloaded, "The feed's queue is full.")));
        await using var writer = await WriterUnderTest.StartAsync(system.Parts, "Writer:OwnerTimeout=00:00:10");
        var lost = await writer.PutAsync("/v1/vaults/acme/c/a", "1", ("Idempotency-Key", "one"));
        lost.Problem.ShouldBe("unknown-outcome");
    }

    [Theory]
    [InlineData(RefusalCode.NoLiveRecord, null, "unknown-outcome")]
    [InlineData(RefusalCode.LiveRecordExists, 3L, "unknown-outcome")]
    [InlineData(RefusalCode.ExpectedSequenceDiffers, 3L, "unknown-outcome")]
    [InlineData(RefusalCode.DataError, null, "unknown-outcome")]
    [InlineData(RefusalCode.ExpectedSequenceDiffers, 5L, "expected-sequence-differs")]
    [InlineData(RefusalCode.WrongShape, null, "wrong-shape")]
    public async Task A_repeat_that_is_refused_denies_the_attempt_that_was_lost_only_when_that_would_be_refused_too(
        RefusalCode code, long? last, string told)
    {
        await using var system = await LeasedAwayAsync();
        var refusal = new Refusal(code, "so it stands now") { Last = last is { } sequence ? new Sequence(sequence) : null };
        await using var owner = await FirstLostAsync(system, Refused(refusal));
        await using var writer = await WriterUnderTest.StartAsync(system.Parts, "Writer:OwnerTimeout=00:00:10");

        var one = await writer.PutAsync("/v1/vaults/acme/c/a", "1", ("Idempotency-Key", "one"), ("If-Match", "\"4\""));
        one.Problem.ShouldBe(told);
        one.Json.GetProperty("detail").GetString()!.ShouldContain("so it stands now");
    }

    [Fact]
    public async Task An_atomic_repeat_that_is_refused_denies_the_attempt_that_was_lost_only_when_that_would_be_refused_too()
    {
        await using var system = await LeasedAwayAsync();
        var other = new Refusal(RefusalCode.InvalidBatch, "Another line of the atomic batch was refused.");
        var turns = new Refusal(RefusalCode.ExpectedSequenceDiffers, "so it stands now") { Last = new Sequence(3) };
        var stays = turns with { Last = new Sequence(5) };
        await using var writer = await WriterUnderTest.StartAsync(system.Parts, "Writer:OwnerTimeout=00:00:10");
        foreach (var (refusal, told) in new[] { (turns, "unknown-outcome"), (stays, "expected-sequence-differs") })
        {
            await using var owner = await FirstLostAsync(system, Refused(other, refusal));
            var atomic = await writer.BatchAsync($$"""
                {"vault":"acme","collection":"c","key":"a","value":1,"idempotency_key":"1"}
                {"vault":"acme","collection":"c","key":"b","value":1,"expected":4,"idempotency_key":"2"}
                """, "?atomic=true");
            atomic.Problem.ShouldBe(told);
            atomic.Json.GetProperty("detail").GetString()!.ShouldContain("so it stands now");
        }
    }

    [Fact]
    public async Task A_token_whose_first_attempt_was_lost_and_whose_repeat_is_refused_may_have_been_made()
    {
        await using var system = await LeasedAwayAsync();
        await using var owner = await FirstLostAsync(system, Refused(new Refusal(RefusalCode.DataError, "so it stands now")));
        var root = AccessToken.Mint();
        await using var writer = await WriterUnderTest.StartAsync(
            system.Parts, "Writer:OwnerTimeout=00:00:10", "Access:Open=false", $"Access:AdminTokenHash={AccessToken.HashOf(root)}");

        var made = await writer.SendAsync(
            HttpMethod.Post, "/v1/tokens", """{"label":"one","scopes":["write:acme/*"]}"""u8.ToArray(), "application/json",
            ("Authorization", $"Bearer {root}"));
        made.Problem.ShouldBe("unknown-outcome", made.Text);
        made.Json.GetProperty("detail").GetString()!.ShouldContain("so it stands now");
    }

    [Fact]
    public async Task When_the_feed_changes_its_owner_in_the_middle_no_line_of_a_key_overtakes_one_that_failed()
    {
        const int lines = 3000;
        var commits = 0;
        var store = new ScriptedStore(
            new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions { Feeds = 1 }))
        {
            // Every third group finds that the lease is lost; the feed is then taken again under another epoch.
            OnCommit = (_, commit) =>
                Interlocked.Increment(ref commits) % 3 == 0 ? new(new CommitOutcome.Fenced()) : commit(),
        };
        await using var system = new EmbeddedSystem(store);
        await using var writer = await WriterUnderTest.StartAsync(
            system.Parts, "Ledger:AcquireEvery=00:00:00.01", "Ledger:GroupFactsMax=1000", "Writer:OwnerTimeout=00:00:20");

        var batch = await writer.BatchAsync(string.Concat(Enumerable.Range(0, lines).Select(index =>
            $$"""{"vault":"acme","collection":"c","key":"k","value":{{index}}}""" + "\n")));

        var committed = batch.Lines.TakeWhile(line => line.TryGetProperty("sequence", out _)).ToList();
        committed.Select(line => line.GetProperty("sequence").GetInt64())
            .ShouldBe(Enumerable.Range(1, committed.Count).Select(sequence => (long)sequence));
        committed.Count.ShouldBeLessThan(lines);
        batch.Lines.Count.ShouldBe(lines);
        batch.Lines.Skip(committed.Count).Select(Answer.ProblemOf)
            .ShouldAllBe(problem => problem == "overloaded" || problem == "no-owner");
    }

    [Fact]
    public async Task When_the_ledger_opens_in_the_middle_of_a_batch_no_line_of_a_key_overtakes_one_that_came_too_early()
    {
        var lookups = 0;
        var store = new ScriptedStore(new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions { Feeds = 1 }))
        {
            OnPlace = () =>
            {
                if (Interlocked.Increment(ref lookups) == 1)
                    throw new SyncException(SyncErrorCode.LedgerUnavailable, "The ledger is not open yet.", true);
            },
        };
        await using var system = new EmbeddedSystem(store);
        await using var writer = await WriterUnderTest.StartAsync(system.Parts);

        var batch = await writer.BatchAsync("""
            {"vault":"acme","collection":"c","key":"k","value":1,"idempotency_key":"1"}
            {"vault":"acme","collection":"c","key":"other","value":1}
            {"vault":"acme","collection":"c","key":"k","op":"delete","idempotency_key":"2"}
            """);

        Answer.ProblemOf(batch.Lines[0]).ShouldBe("ledger-unavailable");
        batch.Lines[1].GetProperty("sequence").GetInt64().ShouldBe(1);
        Answer.ProblemOf(batch.Lines[2]).ShouldBe("overloaded", "it is repeated behind the put, and not refused for good");
    }

    // Who takes forwarded writes fails at the first attempt, without a word on what became of it, and answers the next.
    private static ValueTask<IAsyncDisposable> FirstLostAsync(EmbeddedSystem system, BusReply next)
    {
        var attempts = 0;
        return system.Bus.ServeAsync(
            "sync.own.*", Subjects.WriterQueueGroup, (_, _) => new(Interlocked.Increment(ref attempts) == 1
                ? BusReply.Failed(500, "taken, but the answer was lost")
                : next),
            new ServeOptions { DrainTimeout = TimeSpan.Zero });
    }

    private static BusReply Refused(params Refusal[] lines)
    {
        var buffer = new ArrayBufferWriter<byte>();
        WriteResultCodec.EncodeMany([.. lines.Select(line => new WriteResult.Refused(line))], buffer);
        return BusReply.Of(buffer.WrittenMemory);
    }

    private static async Task<int> OwnedAsync(WriterUnderTest writer) =>
        (await writer.GetAsync("/v1/status")).Json.GetProperty("feeds").EnumerateArray()
            .Count(feed => feed.GetProperty("owned_here").GetBoolean());

    // A ledger whose feeds all belong to somebody who does not answer.
    private static async Task<EmbeddedSystem> LeasedAwayAsync()
    {
        var store = new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions { Feeds = 2 });
        for (var feed = 0; feed < 2; feed++)
            (await store.AcquireAsync(new FeedId(feed), "somebody else", TimeSpan.FromHours(1))).ShouldNotBeNull();
        return new EmbeddedSystem(store);
    }

    private sealed class EmbeddedSystem(ILedgerStore store) : IAsyncDisposable
    {
        private readonly InProcessTransport _transport = new();

        public InProcessBus Bus { get; } = new();

        public WriterParts Parts => new() { Store = store, Bus = Bus, Transport = _transport };

        public async ValueTask DisposeAsync()
        {
            await _transport.DisposeAsync();
            await Bus.DisposeAsync();
            await store.DisposeAsync();
        }
    }
}
