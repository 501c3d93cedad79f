import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.xml.crypto.dsig.*;
import javax.xml.crypto.dsig.dom.*;
import javax.xml.crypto.dsig.keyinfo.*;
import javax.xml.crypto.dsig.spec.*;
import javax.xml.parsers.*;
import javax.xml.transform.*;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.*;

/**
 * Signs and verifies with the JDK's own XML signatures, to be compared with. Usage:
 * java Dsig sign KEY.der CERT.der IN OUT [IN OUT ...], java Dsig verify CERT.der IN [IN ...].
 * verify prints "ok" or "bad" for each file.
 */
public class Dsig {
    static final String NS = XMLSignature.XMLNS;
    static final String WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
    static final XMLSignatureFactory F = XMLSignatureFactory.getInstance("DOM");

    static Document read(String path) throws Exception {
        DocumentBuilderFactory f = DocumentBuilderFactory.newInstance();
        f.setNamespaceAware(true);
        return f.newDocumentBuilder().parse(new File(path));
    }

    static java.security.cert.X509Certificate certificate(String path) throws Exception {
        try (InputStream in = new FileInputStream(path)) {
            return (java.security.cert.X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    static void sign(PrivateKey key, java.security.cert.X509Certificate cert, String in, String out) throws Exception {
        Document doc = read(in);
        Reference ref = F.newReference("", F.newDigestMethod(DigestMethod.SHA256, null), List.of(
            F.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null),
            F.newTransform(CanonicalizationMethod.INCLUSIVE_WITH_COMMENTS, (TransformParameterSpec) null)), null, null);
        SignedInfo info = F.newSignedInfo(
            F.newCanonicalizationMethod(CanonicalizationMethod.INCLUSIVE, (C14NMethodParameterSpec) null),
            F.newSignatureMethod("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", null), List.of(ref));
        KeyInfoFactory k = F.getKeyInfoFactory();
        KeyInfo keys = k.newKeyInfo(List.of(k.newX509Data(List.of(cert))));
        DOMSignContext context = new DOMSignContext(key, doc.getDocumentElement());
        context.setDefaultNamespacePrefix("dsig");
        F.newXMLSignature(info, keys).sign(context);
        Transformer t = TransformerFactory.newInstance().newTransformer();
        try (OutputStream o = new FileOutputStream(out)) {
            t.transform(new DOMSource(doc), new StreamResult(o));
        }
    }

    static boolean verify(PublicKey key, String in) throws Exception {
        Document doc = read(in);
        NodeList found = doc.getElementsByTagNameNS(NS, "Signature");
        DOMValidateContext context = new DOMValidateContext(key, found.item(0));
        NodeList bodies = doc.getElementsByTagNameNS("http://schemas.xmlsoap.org/soap/envelope/", "Body");
        for (int i = 0; i < bodies.getLength(); i++) {
            context.setIdAttributeNS((Element) bodies.item(i), WSU, "Id");
        }
        return F.unmarshalXMLSignature(context).validate(context);
    }

    public static void main(String[] a) throws Exception {
        if (a[0].equals("sign")) {
            PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(Path.of(a[1]))));
            for (int i = 3; i < a.length; i += 2) {
                sign(key, certificate(a[2]), a[i], a[i + 1]);
            }
            return;
        }
        PublicKey key = certificate(a[1]).getPublicKey();
        for (int i = 2; i < a.length; i++) {
            System.out.println(verify(key, a[i]) ? "ok" : "bad");
        }
    }
}
