using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using Shouldly;
using Sync.Hosting;
using Sync.Integration.Tests.Writer;
using Xunit;

namespace Sync.Integration.Tests.Hosting;

public sealed class EventStreamTests
{
    private const int StuckClients = 50;
    private static readonly EventStreamOptions Quick = new() { WriteTimeout = TimeSpan.FromSeconds(1) };
    private static readonly byte[] Block = Encoding.UTF8.GetBytes(new string('x', 4096));

    private long _pulled;

    [Fact]
    public async Task Items_arrive_as_blocks_behind_a_jittered_retry()
    {
        await using var rig = await StreamRig.StartAsync(Quick, _ => Items(
            new("7", "change", "{\"a\":1}"u8.ToArray()), new("8"), new(null, null, "one\ntwo"u8.ToArray())));
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(rig.Address, "/stream"));
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var text = await answer.Content.ReadAsStringAsync();
        var retry = int.Parse(text.Split('\n')[0]["retry: ".Length..], System.Globalization.CultureInfo.InvariantCulture);
        retry.ShouldBeInRange(1000, 2000);
        text[text.IndexOf("id", StringComparison.Ordinal)..].ShouldBe(
            "id: 7\nevent: change\ndata: {\"a\":1}\n\nid: 8\n\ndata: one\ndata: two\n\n");
    }

    [Theory]
    [InlineData("a\rid: forged", "data: a\ndata: id: forged\n\n")]
    [InlineData("a\r\n\r\nevent: reset\ndata: x", "data: a\ndata: \ndata: event: reset\ndata: data: x\n\n")]
    [InlineData("a\n", "data: a\ndata: \n\n")]
    [InlineData("\r\r", "data: \ndata: \ndata: \n\n")]
    public async Task No_data_can_end_its_block_or_forge_a_field(string data, string wire)
    {
        await using var rig =
            await StreamRig.StartAsync(Quick, _ => Items(new ServerEvent(null, null, Encoding.UTF8.GetBytes(data))));
        using var http = new HttpClient();
        (await http.GetStringAsync(new Uri(rig.Address, "/stream"))).ShouldEndWith("\n\n" + wire);
    }

    [Theory]
    [InlineData("a\n")]
    [InlineData("\r")]
    [InlineData("a\0b")]
    public void An_id_or_name_that_would_forge_a_field_is_refused(string text)
    {
        Should.Throw<ArgumentException>(() => new ServerEvent(text));
        Should.Throw<ArgumentException>(() => new ServerEvent(null, text));
    }

    [Fact]
    public async Task Silence_is_filled_with_comments()
    {
        var options = Quick with { HeartbeatEvery = TimeSpan.FromMilliseconds(100) };
        await using var rig = await StreamRig.StartAsync(options, Silence);
        using var reader = await rig.ReaderAsync();
        for (var seen = 0; seen < 3;)
            if (await NextLineAsync(reader) == ":") seen++;
        rig.Streams.Open.ShouldBe(1);
    }

    [Fact]
    public async Task Stuck_clients_are_dropped_in_time_with_little_taken_for_them_and_a_good_one_goes_on()
    {
        await using var rig = await StreamRig.StartAsync(Quick, Endless);
        for (var index = 0; index < StuckClients; index++) await rig.StuckAsync();
        using var reader = await rig.ReaderAsync();
        var reading = ReadUntilAsync(reader, () => rig.Streams.SlowDropped == StuckClients);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(rig.Streams.SlowDropped == StuckClients));
        (await reading).ShouldBeGreaterThan(1000);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(rig.Streams.Open == 1));
    }

    [Fact]
    public async Task What_is_taken_for_a_client_that_does_not_read_is_bounded()
    {
        (await TakenForAStuckClientAsync(Endless)).ShouldBeLessThan(StuckBlocksMax);
        // The check is awake: with a queue in between it finds what the stream must not do.
        (await TakenForAStuckClientAsync(cancellation => Queued(Endless(cancellation), cancellation)))
            .ShouldBeGreaterThan(StuckBlocksMax);
    }

    [Fact]
    public async Task A_stop_is_over_within_two_seconds_with_clients_that_do_not_read()
    {
        // No deadline helps here: the stop itself must end the writes.
        await using var rig =
            await StreamRig.StartAsync(Quick with { WriteTimeout = TimeSpan.FromSeconds(60) }, Endless);
        for (var index = 0; index < StuckClients; index++) await rig.StuckAsync();
        using var reader = await rig.ReaderAsync();
        await ReadUntilAsync(reader, () => rig.Streams.Open == StuckClients + 1);
        var clock = Stopwatch.StartNew();
        await rig.StopAsync();
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));
        rig.Streams.Open.ShouldBe(0);
        rig.Streams.SlowDropped.ShouldBe(0);
    }

    [Fact]
    public async Task More_streams_than_the_bound_are_refused_until_one_ends()
    {
        await using var rig = await StreamRig.StartAsync(Quick with { StreamsMax = 1 }, Endless);
        using (var first = await rig.ReaderAsync())
        {
            (await NextLineAsync(first)).ShouldContain("200");
            using var http = new HttpClient();
            using var refused = await http.GetAsync(new Uri(rig.Address, "/stream"));
            ((int)refused.StatusCode).ShouldBe(503);
            refused.Headers.RetryAfter.ShouldNotBeNull();
            (await refused.Content.ReadAsStringAsync()).ShouldContain("urn:sync:problem:overloaded");
        }
        await WriterUnderTest.UntilAsync(() => Task.FromResult(rig.Streams.Open == 0));
        using var next = await rig.ReaderAsync();
        (await NextLineAsync(next)).ShouldContain("200");
    }

    [Fact]
    public async Task A_failure_before_the_first_item_is_an_answer_and_later_it_cuts_the_stream()
    {
        await using var early = await StreamRig.StartAsync(Quick, _ => Failing(0));
        using var http = new HttpClient();
        ((int)(await http.GetAsync(new Uri(early.Address, "/stream"))).StatusCode).ShouldBe(500);
        await using var late = await StreamRig.StartAsync(Quick, _ => Failing(1));
        await Should.ThrowAsync<HttpRequestException>(() => http.GetStringAsync(new Uri(late.Address, "/stream")));
        await WriterUnderTest.UntilAsync(() => Task.FromResult(late.Streams.Open == 0));
    }

    /// <summary>Socket buffers of both ends and the server's own hold a few MiB of these 4 KiB blocks.</summary>
    private const int StuckBlocksMax = 4096;

    private async Task<long> TakenForAStuckClientAsync(Func<CancellationToken, IAsyncEnumerable<ServerEvent>> items)
    {
        _pulled = 0;
        await using var rig = await StreamRig.StartAsync(Quick, items);
        await rig.StuckAsync();
        await WriterUnderTest.UntilAsync(() => Task.FromResult(rig.Streams.SlowDropped == 1));
        return Interlocked.Read(ref _pulled);
    }

    private static async IAsyncEnumerable<ServerEvent> Items(params ServerEvent[] items)
    {
        await Task.CompletedTask;
        foreach (var item in items) yield return item;
    }

    private static async IAsyncEnumerable<ServerEvent> Failing(int after)
    {
        for (var index = 0; index < after; index++)
        {
            yield return new ServerEvent("1");
            await Task.Yield();
        }
        throw new InvalidOperationException("on purpose");
    }

    private static async IAsyncEnumerable<ServerEvent> Silence([EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return new ServerEvent("0");
        await new TaskCompletionSource().Task.WaitAsync(cancellation);
        cancellation.ThrowIfCancellationRequested();
    }

    private async IAsyncEnumerable<ServerEvent> Endless([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
            Interlocked.Increment(ref _pulled);
            yield return new ServerEvent("1", "change", Block);
        }
    }

    // As a server would do it that queues for each client.
    private static async IAsyncEnumerable<ServerEvent> Queued(
        IAsyncEnumerable<ServerEvent> items, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var queue = Channel.CreateBounded<ServerEvent>(int.MaxValue);
        var filling = Task.Run(async () =>
        {
            await foreach (var item in items.WithCancellation(cancellation)) await queue.Writer.WriteAsync(item, cancellation);
        }, cancellation);
        await foreach (var item in queue.Reader.ReadAllAsync(cancellation)) yield return item;
        await filling;
    }

    private static async Task<long> ReadUntilAsync(StreamReader reader, Func<bool> isEnough)
    {
        long lines = 0;
        while (!isEnough())
        {
            await NextLineAsync(reader);
            lines++;
        }
        return lines;
    }

    private static async Task<string> NextLineAsync(StreamReader reader)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await reader.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException("The stream ended.");
    }
}
