using Shouldly;
using Sync.Contracts;
using Xunit;

namespace Sync.Testing.Changefeeds;

/// <summary>What every changefeed must do. Each test gets an empty ledger with one feed.</summary>
public abstract class ChangefeedCompliance : IAsyncLifetime
{
    private static readonly FeedFilter Acme = new(Vault: "acme");
    private static readonly FeedFilter Everything = new(new FeedId(0));

    /// <summary>The rig of this test.</summary>
    protected ChangefeedRig Rig { get; private set; } = null!;

    /// <summary>Makes one.</summary>
    protected abstract ValueTask<ChangefeedRig> StartAsync();

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => Rig = await StartAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Rig.DisposeAsync();
    }

    [Xunit.Fact]
    public async Task From_now_tells_first_where_now_is_and_then_what_comes()
    {
        var before = await Rig.PutAsync("before");
        await using var run = Rig.Read(new(Acme));
        (await run.NextAsync()).ShouldBeOfType<FeedEvent.Reached>().At.Position.ShouldBe(before.Position);
        for (var index = 0; index < 3; index++)
        {
            var receipt = await Rig.PutAsync($"k{index}");
            (await run.NextChangeAsync()).Id.ShouldBe(receipt.FactId);
        }
    }

    [Xunit.Fact]
    public async Task From_now_on_an_empty_ledger_begins_at_nought()
    {
        await using var run = Rig.Read(new(Everything));
        (await run.NextAsync()).ShouldBeOfType<FeedEvent.Reached>().At.Position.ShouldBe(Position.Start);
        var receipt = await Rig.PutAsync("a");
        (await run.NextChangeAsync()).Position.ShouldBe(receipt.Position);
    }

    [Xunit.Fact]
    public async Task From_the_beginning_comes_everything_and_then_what_is_new()
    {
        var receipts = await Rig.PutManyAsync(40);
        await using var run = Rig.Read(new(Everything, FromBeginning: true));
        await run.ReachAsync(receipts[^1].Position);
        var last = await Rig.PutAsync("last");
        await run.ReachAsync(last.Position);
        run.Changes.Select(change => change.Id).ShouldBe([.. receipts.Select(receipt => receipt.FactId), last.FactId]);
        run.Changes.ShouldAllBe(change => change.History == last.History);
    }

    [Xunit.Fact]
    public async Task A_reader_that_comes_back_at_any_cursor_misses_nothing_and_gets_nothing_twice()
    {
        var receipts = await Rig.PutManyAsync(25);
        for (var at = 0; at <= receipts.Count; at += 5)
        {
            var cursor = new FeedPosition(receipts[0].Feed, receipts[0].History, new Position(at));
            await using var run = Rig.Read(new(Everything, cursor));
            await run.ReachAsync(receipts[^1].Position);
            run.Changes.Select(change => change.Position.Value).ShouldBe(Enumerable.Range(at + 1, 25 - at).Select(Convert.ToInt64));
        }
    }

    [Xunit.Fact]
    public async Task Readers_that_leave_and_come_back_while_others_write_see_one_unbroken_run()
    {
        const int Writers = 4, Each = 50;
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Rig.PutManyAsync(Each, $"w{writer}-")));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(reader => Task.Run(async () =>
        {
            var steps = new Random(reader);
            var seen = new List<long>();
            FeedPosition? cursor = null;
            while (seen.Count < Writers * Each)
            {
                await using var run = Rig.Read(new(Everything, cursor, FromBeginning: cursor is null));
                for (var left = steps.Next(1, 60); left > 0 && seen.Count + run.Changes.Count < Writers * Each; left--)
                    await run.NextAsync();
                seen.AddRange(run.Changes.Select(change => change.Position.Value));
                cursor = run.Cursor;
            }
            seen.ShouldBe(Enumerable.Range(1, Writers * Each).Select(Convert.ToInt64));
        })));
        await writing;
    }

    [Xunit.Fact]
    public async Task Filters_let_through_what_they_name_and_the_cursor_moves_past_the_rest()
    {
        await Rig.PutAsync("1", vault: "acme", collection: "user");
        await Rig.PutAsync("2", vault: "acme", collection: "order");
        await Rig.PutAsync("3", vault: "pypi--django", collection: "advisory");
        await Rig.PutAsync("4", vault: "pypi--flask", collection: "advisory");
        var last = await Rig.PutAsync("5", vault: "pypi--flask", collection: "package");
        foreach (var (filter, keys) in new (FeedFilter, string)[]
        {
            (Everything, "12345"), (Acme, "12"), (Acme with { Collection = "order" }, "2"),
            (Everything with { Vault = "acme" }, "12"), (Everything with { Group = "pypi" }, "345"),
            (Everything with { Group = "pypi", Collection = "advisory" }, "34"), (new(Vault: "nobody"), ""),
        })
        {
            await using var run = Rig.Read(new(filter, FromBeginning: true));
            await run.ReachAsync(last.Position);
            string.Concat(run.Changes.Select(change => change.Key.Key)).ShouldBe(keys, filter.ToString());
        }
    }

    [Xunit.Fact]
    public async Task A_live_reader_gets_only_what_its_filter_names()
    {
        await using var run = Rig.Read(new(Acme with { Collection = "order" }));
        await run.NextAsync();
        await Rig.PutAsync("1");
        var order = await Rig.PutAsync("2", collection: "order");
        (await run.NextChangeAsync()).Id.ShouldBe(order.FactId);
    }

    [Xunit.Fact]
    public async Task Tombstones_come_as_they_were_committed()
    {
        await Rig.PutAsync("a");
        await using var run = Rig.Read(new(Acme));
        await run.NextAsync();
        await Rig.WriteAsync(new WriteCommand
        {
            Key = new SyncedKey("acme", "user", "a"),
            Op = ChangeOp.Delete,
            Value = new byte[] { 0xc0 },
        });
        var gone = await run.NextChangeAsync();
        (gone.IsTombstone, gone.Sequence.Value, gone.After.Value).ShouldBe((true, 2, 1));
    }

    [Xunit.Theory]
    [InlineData("c0")] // nil
    [InlineData("cf8000000000000001")] // over 2^63
    [InlineData("d38000000000000000")] // the least integer
    [InlineData("cb3ff0000000000000")] // 1.0
    [InlineData("ca3f800000")] // 1.0 in four bytes
    [InlineData("cb8000000000000000")] // -0.0
    [InlineData("cb7ff8000000000000")] // not a number
    [InlineData("d20000000a")] // 10, not in its shortest form
    [InlineData("c403010203")] // binary
    [InlineData("d6ff65000000")] // a timestamp
    [InlineData("82a162a80d0a69643a203c3ea1611f")] // CR LF in a text, keys in their order
    [InlineData("8101a161")] // a key that is no text
    [InlineData("a9f09f9880e280a8c285")] // characters outside ASCII, two of them line ends elsewhere
    public async Task A_value_comes_with_the_very_bytes_that_were_committed(string hex)
    {
        var value = Convert.FromHexString(hex);
        await using var run = Rig.Read(new(Acme, FromBeginning: true));
        var receipt = await Rig.PutAsync("é/😀 \u2028", value);
        var change = await run.NextChangeAsync();
        change.Value.ToArray().ShouldBe(value);
        change.Hash.ShouldBe(receipt.ValueHash);
        change.Hash.ShouldBe(Hash256.Of(value));
        change.Key.ShouldBe(receipt.Key);
        (change.Id, change.Sequence, change.Position, change.Time)
            .ShouldBe((receipt.FactId, receipt.Sequence, receipt.Position, receipt.TransactionTime));
    }

    [Xunit.Fact]
    public async Task A_cursor_that_cannot_be_continued_is_a_reset_and_never_from_now()
    {
        var head = (await Rig.PutManyAsync(3))[^1];
        foreach (var (cursor, reason) in new[]
        {
            (new FeedPosition(head.Feed, head.History, new Position(4)), ResetReason.Ahead),
            (new FeedPosition(head.Feed, head.History, new Position(long.MaxValue)), ResetReason.Ahead),
            (new FeedPosition(head.Feed, new HistoryId(head.History.Value ^ 1), new Position(3)), ResetReason.OtherHistory),
            (new FeedPosition(head.Feed, new HistoryId(0), Position.Start), ResetReason.OtherHistory),
        })
        {
            await using var run = Rig.Read(new(Acme, cursor));
            var reset = (await run.NextAsync()).ShouldBeOfType<FeedEvent.Reset>();
            (reset.Reason, reset.Head.Position, reset.Head.History).ShouldBe((reason, head.Position, head.History));
            // Behind a reset it goes on from the head that it named.
            head = await Rig.PutAsync($"behind-{reason}");
            (await run.NextChangeAsync()).Id.ShouldBe(head.FactId);
        }
    }

    [Xunit.Fact]
    public async Task What_contradicts_itself_is_refused()
    {
        var head = await Rig.PutAsync("a");
        foreach (var request in new FeedRequest[]
        {
            new(new FeedFilter()),
            new(new FeedFilter(Collection: "user")),
            new(new FeedFilter(Group: "pypi")),
            new(new FeedFilter(Vault: "a b")),
            new(Everything with { Group = "a--b" }),
            new(new FeedFilter(new FeedId(1))),
            new(Acme, new FeedPosition(new FeedId(1), head.History, Position.Start)),
            new(Acme, FromBeginning: true, Policy: DeliveryPolicy.DropToLatest),
        })
        {
            var refused = await Should.ThrowAsync<SyncException>(async () =>
            {
                await using var run = Rig.Read(request);
                await run.NextAsync();
            });
            (refused.Code, refused.IsTransient).ShouldBe((SyncErrorCode.Invalid, false), request.ToString());
        }
    }

    [Xunit.Fact]
    public async Task A_reader_far_behind_that_wants_the_latest_is_told_what_it_missed()
    {
        var receipts = await Rig.PutManyAsync(LatestBehind + 5);
        var cursor = new FeedPosition(receipts[0].Feed, receipts[0].History, new Position(2));
        await using var run = Rig.Read(new(Acme, cursor, Policy: DeliveryPolicy.DropToLatest));
        var dropped = (await run.NextAsync()).ShouldBeOfType<FeedEvent.Dropped>();
        (dropped.After.Position, dropped.Next.Position).ShouldBe((cursor.Position, receipts[^1].Position));
        var next = await Rig.PutAsync("next");
        (await run.NextChangeAsync()).Id.ShouldBe(next.FactId);
        // Who is not far behind gets everything.
        await using var near = Rig.Read(
            new(Acme, receipts[^1] is { } one ? new FeedPosition(one.Feed, one.History, one.Position) : null, Policy: DeliveryPolicy.DropToLatest));
        (await near.NextChangeAsync()).Id.ShouldBe(next.FactId);
    }

    /// <summary>How far behind the rig's changefeed lets a reader be that wants the latest.</summary>
    protected const int LatestBehind = 20;
}
