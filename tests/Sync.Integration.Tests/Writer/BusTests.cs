using System.Buffers;
using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Writer;

[Collection(WriterTests.Name)]
public sealed class BusTests(WriterFixture fixture)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private readonly string _vault = $"n{Guid.NewGuid():N}";

    [Fact]
    public async Task A_put_over_the_bus_is_committed_and_read_back()
    {
        await using var bus = await fixture.ConnectAsync();
        var key = new SyncedKey(_vault, "c", "a.b/* >");
        var put = await AskAsync(bus, RequestKind.Put, key, Command(key, 7));
        put.IsError.ShouldBeFalse(put.ErrorText);
        var committed = WriteResultCodec.Decode(put.Payload.Span).Value.ShouldBeOfType<WriteResult.Committed>();
        committed.Receipt.Sequence.Value.ShouldBe(1);
        var got =
            EnvelopeCodec.Default.Decode((await AskAsync(bus, RequestKind.Get, key, default)).Payload.Span).Value;
        got.Key.ShouldBe(key);
        got.Value.ToArray().ShouldBe([7]);
        got.Id.ShouldBe(committed.Receipt.FactId);
        var absent = new SyncedKey(_vault, "c", "nothing");
        var none =
            EnvelopeCodec.Default.Decode((await AskAsync(bus, RequestKind.Get, absent, default)).Payload.Span).Value;
        none.IsKnownAbsent.ShouldBeTrue();
        none.Key.ShouldBe(absent);
    }

    [Fact]
    public async Task A_refusal_carries_its_status_its_code_and_what_is_current()
    {
        await using var bus = await fixture.ConnectAsync();
        var key = new SyncedKey(_vault, "c", "a");
        await AskAsync(bus, RequestKind.Put, key, Command(key, 1));
        var refused = await AskAsync(bus, RequestKind.Put, key, Command(key, 2, expected: 5));
        refused.ErrorCode.ShouldBe(412);
        refused.ErrorText!.ShouldStartWith("expected-sequence-differs: ");
        var refusal =
            WriteResultCodec.Decode(refused.Payload.Span).Value.ShouldBeOfType<WriteResult.Refused>().Refusal;
        refusal.Current!.Value.ToArray().ShouldBe([1]);
        (await AskAsync(bus, RequestKind.Put, key, new byte[] { 0xC1 })).ErrorCode.ShouldBe(400);
        var reserved = new SyncedKey("_state", "c", "a");
        (await AskAsync(bus, RequestKind.Put, reserved, Command(reserved, 1))).ErrorCode.ShouldBe(400);
    }

    [Fact]
    public async Task Many_keys_are_answered_at_once_as_far_as_a_message_holds_them()
    {
        await using var bus = await fixture.ConnectAsync();
        var large = $"\"{new string('x', 300_000)}\"";
        for (var index = 0; index < 6; index++)
            await fixture.Writer.PutAsync($"/v1/vaults/{_vault}/c/k{index}", large);
        var items =
            Enumerable.Range(0, 8).Select(index => new RefetchItem("c", $"k{index}", Sequence.Unknown)).ToList();
        items.Insert(1, new RefetchItem("c", "k0", new Sequence(1)));
        var (read, asked) = (new List<Envelope>(), 0);
        while (asked < items.Count)
        {
            var buffer = new ArrayBufferWriter<byte>();
            GetManyCodec.Encode(items.Skip(asked).ToArray(), buffer);
            var reply =
                await bus.RequestAsync(Subjects.Default.OfGetMany(_vault), buffer.WrittenMemory, null, Timeout);
            reply.IsError.ShouldBeFalse(reply.ErrorText);
            var answer = EnvelopeAnswerCodec.Decode(reply.Payload.Span).Value;
            answer.Position.Value.ShouldBeGreaterThan(0);
            answer.Answered.ShouldBeGreaterThan(0);
            read.AddRange(answer.Envelopes);
            asked += answer.Answered;
        }
        read.Where(envelope => !envelope.IsKnownAbsent).Select(envelope => envelope.Key.Key)
            .ShouldBe(["k0", "k1", "k2", "k3", "k4", "k5"]);
        read.Where(envelope => envelope.IsKnownAbsent).Select(envelope => envelope.Key.Key).ShouldBe(["k6", "k7"]);
    }

    [Fact]
    public async Task A_keys_facts_are_answered_oldest_first()
    {
        await using var bus = await fixture.ConnectAsync();
        for (var index = 0; index < 3; index++) await fixture.Writer.PutAsync($"/v1/vaults/{_vault}/c/a", $"{index}");
        var buffer = new ArrayBufferWriter<byte>();
        HistoryCodec.Encode(new HistoryRequest(new Sequence(1), 100), buffer);
        var reply = await AskAsync(bus, RequestKind.History, new SyncedKey(_vault, "c", "a"), buffer.WrittenMemory);
        var page = HistoryCodec.DecodePage(reply.Payload.Span).Value;
        page.Facts.Select(fact => fact.Sequence.Value).ShouldBe([2L, 3]);
        page.More.ShouldBeFalse();
    }

    [Fact]
    public async Task What_is_committed_reaches_a_subscriber()
    {
        await using var bus = await fixture.ConnectAsync();
        await using var transport = new NatsTransport(bus, EnvelopeCodec.Default);
        var arrived = new Arrival();
        var key = new SyncedKey(_vault, "c", "a");
        await using var subscription = await transport.SubscribeAsync(key, arrived);
        await fixture.Writer.PutAsync($"/v1/vaults/{_vault}/c/a", "42");
        (await arrived.First.WaitAsync(Timeout)).Value.ToArray().ShouldBe([42]);
    }

    private static async Task<BusReply> AskAsync(IBus bus, RequestKind kind, SyncedKey key,
        ReadOnlyMemory<byte> payload) =>
        await bus.RequestAsync(Subjects.Default.OfRequest(kind, key), payload, null, Timeout);

    private static ReadOnlyMemory<byte> Command(SyncedKey key, byte value, long? expected = null)
    {
        var buffer = new ArrayBufferWriter<byte>();
        WriteCommandCodec.Encode(
            new WriteCommand
            {
                Key = key,
                Op = ChangeOp.Put,
                Value = new[] { value },
                Expected = expected is { } sequence ? new Sequence(sequence) : null,
            },
            buffer);
        return buffer.WrittenMemory;
    }

    private sealed class Arrival : IEnvelopeHandler
    {
        private readonly TaskCompletionSource<Envelope> _first =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Envelope> First => _first.Task;

        public void Receive(Envelope envelope) => _first.TrySetResult(envelope);

        public void Disrupted(Disruption disruption)
        {
        }
    }
}
