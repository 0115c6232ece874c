using System.Buffers;
using System.Text;
using Shouldly;
using Sync.Testing.Faults;
using Xunit;

namespace Sync.Tests.Nats;

/// <summary>Faults are done to whole messages of the named subjects and to nothing else.</summary>
public sealed class NatsFrameFaultsTests
{
    private const string Other = "PING\r\nMSG sync.beat.1 4 2\r\nab\r\n";
    private const string One = "MSG synced.a.b.c.1 7 3\r\none\r\n";
    private const string Two = "HMSG synced.a.b.c.2 7 3 6\r\nh\r\ntwo\r\n";

    private readonly NatsFrameFaults _faults = new(1);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Without_faults_every_byte_passes_in_its_order(int slice) => Passed(slice, Other + One + Two).ShouldBe(Other + One + Two);

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void What_is_dropped_is_gone_whole_and_the_rest_stays(int slice)
    {
        _faults.Drop = 1;
        Passed(slice, One + Other + Two).ShouldBe(Other);
        _faults.Done.ShouldBe(2);
    }

    [Fact]
    public void What_is_doubled_comes_twice()
    {
        _faults.Duplicate = 1;
        Passed(1000, One + Other).ShouldBe(One + One + Other);
    }

    [Fact]
    public void What_is_delayed_comes_behind_the_next()
    {
        _faults.Reorder = 1;
        Passed(1000, One + Two + "PING\r\n").ShouldBe("PING\r\n" + One + Two);
    }

    [Fact]
    public void What_is_corrupted_keeps_its_length_and_begins_with_no_value()
    {
        _faults.Corrupt = 1;
        Passed(1000, Two + One).ShouldBe("HMSG synced.a.b.c.2 7 3 6\r\nh\r\n\u00c1wo\r\nMSG synced.a.b.c.1 7 3\r\n\u00c1ne\r\n");
    }

    [Fact]
    public void Beats_can_be_lost_alone()
    {
        (_faults.Subject, _faults.Drop) = ("sync.beat.", 1);
        Passed(3, One + Other).ShouldBe(One + "PING\r\n");
    }

    private string Passed(int slice, string frames)
    {
        var (filter, output) = (_faults.NewFilter(), new ArrayBufferWriter<byte>());
        foreach (var piece in Encoding.Latin1.GetBytes(frames).Chunk(slice)) filter.Pass(piece, output);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }
}
