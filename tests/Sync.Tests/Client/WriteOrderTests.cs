using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Xunit;
using static Sync.Tests.Client.ScriptedWriter;

namespace Sync.Tests.Client;

/// <summary>How concurrent writes share requests and keep the order of each key.</summary>
public sealed class WriteOrderTests
{
    private readonly PauseClock _clock = new();
    private readonly ScriptedWriter _writer = new();

    [Fact]
    public async Task What_waits_while_a_request_is_under_way_is_the_next_one()
    {
        await using var client = _writer.Client(_clock);
        var first = client.WriteAsync(Put("a"), TestContext.Current.CancellationToken);
        var call = await _writer.NextAsync();
        Task<WriteResult>[] more = [.. "bcd".Select(key => client.WriteAsync(Put(key.ToString())))];
        call.Keys.ShouldBe(["a"]);
        call.Commit();

        call = await _writer.NextAsync();
        call.Keys.ShouldBe(["b", "c", "d"]);
        call.Commit();

        (await first).ShouldBeOfType<WriteResult.Committed>().Receipt.Position.ShouldBe(new Position(12));
        (await Task.WhenAll(more)).ShouldAllBe(result => result is WriteResult.Committed);
        client.QueuedWrites.ShouldBe(0);
    }

    [Fact]
    public async Task Writes_of_one_key_share_a_request_in_the_order_of_the_calls()
    {
        await using var client = _writer.Client(_clock);
        var first = client.WriteAsync(Put("first"));
        var call = await _writer.NextAsync();
        Task<WriteResult>[] writes = [first, .. Enumerable.Range(1, 4).Select(value => client.WriteAsync(Put("a", (byte)value)))];
        call.Commit();
        call = await _writer.NextAsync();
        call.Lines.Select(line => Convert.FromBase64String((string)line["value_msgpack"]!).Single()).ShouldBe([1, 2, 3, 4]);
        call.Commit();
        (await Task.WhenAll(writes)).ShouldAllBe(result => result is WriteResult.Committed);
    }

    [Fact]
    public async Task A_request_ends_at_its_limits_of_writes_and_bytes()
    {
        await using var client = _writer.Client(_clock, Options with { BatchWritesMax = 3, BatchBytesMax = 1024 });
        var first = client.WriteAsync(Put("first"));
        var call = await _writer.NextAsync();
        var big = Put("big") with { Value = new byte[1000] };
        Task<WriteResult>[] writes =
        [
            first, client.WriteAsync(Put("a")), client.WriteAsync(Put("b")), client.WriteAsync(Put("c")), client.WriteAsync(Put("d")),
            client.WriteAsync(big), client.WriteAsync(big with { Key = Put("big2").Key }),
        ];
        call.Commit();
        foreach (var keys in new[] { "a b c", "d big", "big2" })
        {
            call = await _writer.NextAsync();
            string.Join(' ', call.Keys).ShouldBe(keys);
            call.Commit();
        }
        await Task.WhenAll(writes);
    }

    [Fact]
    public async Task A_value_over_the_limit_of_bytes_goes_alone()
    {
        await using var client = _writer.Client(_clock, Options with { BatchBytesMax = 1024 });
        var write = client.WriteAsync(Put("big") with { Value = new byte[5000] });
        var call = await _writer.NextAsync();
        call.Commit();
        (await write).ShouldBeOfType<WriteResult.Committed>();
    }

    [Fact]
    public async Task A_refused_line_ends_only_its_own_write()
    {
        await using var client = _writer.Client(_clock);
        var first = client.WriteAsync(Put("first"));
        var call = await _writer.NextAsync();
        var (a, b) = (client.WriteAsync(Put("a")), client.WriteAsync(Put("b")));
        call.Commit();
        call = await _writer.NextAsync();
        call.Answer(Call.Problem("expected-sequence-differs", 412, "it is 7"), call.Receipt(1, replayed: true));

        (await a).ShouldBeOfType<WriteResult.Refused>().Refusal.ShouldBe(new Refusal(RefusalCode.ExpectedSequenceDiffers, "it is 7"));
        (await b).ShouldBeOfType<WriteResult.Committed>().Replayed.ShouldBeTrue();
        await first;
    }

    [Fact]
    public async Task A_passing_refusal_of_one_line_holds_back_its_key_and_no_other()
    {
        await using var client = _writer.Client(_clock);
        var first = client.WriteAsync(Put("first"));
        var call = await _writer.NextAsync();
        var (a1, b) = (client.WriteAsync(Put("a")), client.WriteAsync(Put("b")));
        var a2 = client.WriteAsync(Put("a", 2));
        call.Commit();

        call = await _writer.NextAsync();
        call.Keys.ShouldBe(["a", "b", "a"]);
        string[] ofA = [.. call.IdempotencyKeys.Where((_, line) => line != 1)];
        call.Answer(Call.Problem("no-owner", 503), call.Receipt(1), Call.Problem("no-owner", 503));
        await b;
        var pause = await _clock.NextPauseAsync();
        var (a3, c) = (client.WriteAsync(Put("a", 3)), client.WriteAsync(Put("c")));
        call = await _writer.NextAsync();
        call.Keys.ShouldBe(["c"], "the pause is a's alone, and later ones of a wait behind it");
        call.Commit();
        await c;

        _clock.Advance(pause);
        call = await _writer.NextAsync();
        call.IdempotencyKeys.Take(2).ShouldBe(ofA);
        call.Keys.ShouldBe(["a", "a", "a"]);
        call.Commit();
        (await Task.WhenAll(first, a1, a2, a3)).ShouldAllBe(result => result is WriteResult.Committed);
    }

    [Fact]
    public async Task Each_further_failure_pauses_longer_up_to_the_limit()
    {
        await using var client = _writer.Client(_clock);
        var write = client.WriteAsync(Put("a"));
        var pauses = new List<double>();
        for (var attempt = 0; attempt < 9; attempt++)
        {
            (await _writer.NextAsync()).Answer(Call.Problem("overloaded", 503));
            pauses.Add((await _clock.PassPauseAsync()).TotalMilliseconds);
        }
        (await _writer.NextAsync()).Commit();
        (await write).ShouldBeOfType<WriteResult.Committed>();
        for (var attempt = 0; attempt < pauses.Count; attempt++)
        {
            var longest = Math.Min(2000, 50 * Math.Pow(2, attempt));
            pauses[attempt].ShouldBeInRange(longest / 2, longest);
        }
    }
}
