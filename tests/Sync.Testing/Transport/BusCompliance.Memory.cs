using System.Buffers;
using Shouldly;
using Sync.Transport;
using Xunit;

namespace Sync.Testing.Transport;

/// <summary>Whose memory an answer is in.</summary>
public abstract partial class BusCompliance
{
    private const int LargeBytes = 300_000;

    [Fact]
    public async Task An_answer_in_rented_memory_arrives_whole_and_its_memory_is_given_back_once()
    {
        await using var rig = await StartAsync();
        var owners = new List<Rented>();
        await rig.Far.ServeAsync(
            "large", "g",
            (request, _) =>
            {
                var owner = new Rented(request.Payload.Span[0]);
                lock (owners) owners.Add(owner);
                return ValueTask.FromResult(BusReply.OfRented(owner));
            },
            Serving);
        for (var round = 0; round < 5; round++)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(
                number => rig.Near.RequestAsync("large", new[] { (byte)number }, null, Recorder.Timeout).AsTask()));
            for (var number = 0; number < replies.Length; number++)
            {
                // The sender's memory is overwritten by now, or will be: the answer must be apart from it.
                replies[number].Payload.Length.ShouldBe(LargeBytes);
                replies[number].Payload.Span.ContainsAnyExcept((byte)number).ShouldBeFalse();
            }
            // Whoever gives it back, gives it back once, also when told twice.
            foreach (var reply in replies)
            {
                reply.Release();
                reply.Release();
            }
        }
        await Task.WhenAll(owners.Select(owner => owner.GivenBack.Task)).WaitAsync(Recorder.Timeout);
        owners.ShouldAllBe(owner => owner.Times == 1);
        owners.Count.ShouldBe(40);
    }

    private sealed class Rented : IMemoryOwner<byte>
    {
        private readonly byte[] _bytes = new byte[LargeBytes];

        public Rented(byte content) => Array.Fill(_bytes, content);

        public Memory<byte> Memory => _bytes;

        public int Times { get; private set; }

        public TaskCompletionSource GivenBack { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // As if another message came to be there.
        public void Dispose()
        {
            Array.Fill(_bytes, (byte)0xff);
            Times++;
            GivenBack.TrySetResult();
        }
    }
}
