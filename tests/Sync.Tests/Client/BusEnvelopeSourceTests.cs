using System.Buffers;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Transport;
using Xunit;

namespace Sync.Tests.Client;

/// <summary>How a replica's questions over the bus end.</summary>
public sealed class BusEnvelopeSourceTests : IAsyncDisposable
{
    private static readonly RefetchItem[] Items = [new("user", "1", new Sequence(4))];
    private readonly InProcessBus _bus = new();

    public ValueTask DisposeAsync() => _bus.DisposeAsync();

    [Fact]
    public async Task An_answer_is_read_and_the_question_names_what_is_had()
    {
        var answer = new EnvelopeAnswer
        {
            Feed = new FeedId(2),
            History = new HistoryId(7),
            Floor = new Position(1),
            Position = new Position(9),
            Envelopes = [],
            Answered = 1,
        };
        var bytes = new ArrayBufferWriter<byte>();
        EnvelopeAnswerCodec.Encode(answer, bytes);
        var asked = new TaskCompletionSource<int>();
        var read = await AskAsync(request =>
        {
            asked.SetResult(request.Payload.Length);
            return BusReply.Of(bytes.WrittenMemory);
        });
        (read.Feed, read.History, read.Position, read.Answered).ShouldBe((answer.Feed, answer.History, answer.Position, 1));
        (await asked.Task).ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(503, true)]
    [InlineData(400, false)]
    public async Task An_error_is_passing_or_final_by_its_code_and_carries_the_writers_words(int code, bool passing)
    {
        var error = await Should.ThrowAsync<SyncException>(() => AskAsync(_ => BusReply.Failed(code, "not now")));
        (error.Code, error.IsTransient).ShouldBe((SyncErrorCode.Refused, passing));
        error.Message.ShouldEndWith($"the writer answered {code} not now");
    }

    [Fact]
    public async Task Bytes_that_are_no_answer_are_an_error_and_never_read_as_an_empty_one()
    {
        foreach (var bytes in new byte[][] { [], [0xc0], [0x81], [0xff, 0xff] })
        {
            var error = await Should.ThrowAsync<SyncException>(() => AskAsync(_ => BusReply.Of(bytes)));
            error.Code.ShouldBe(SyncErrorCode.Corrupt);
        }
    }

    private async Task<EnvelopeAnswer> AskAsync(Func<BusRequest, BusReply> answer)
    {
        await using var serving = await _bus.ServeAsync(
            Subjects.Default.OfGetMany("acme"), "sync.writer", (request, _) => ValueTask.FromResult(answer(request)), new ServeOptions());
        return await new BusEnvelopeSource(_bus, Subjects.Default, ScriptedWriter.WaitMax).GetManyAsync("acme", Items);
    }
}
